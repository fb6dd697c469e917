import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Agent } from '@taai/contracts';
import { RlsPool, type Reader } from '@taai/entities';
import { fixedTokens, textsOfMessage } from '../accounting/usage-estimate';
import type { RunMessage, SaidMessage } from '../file/stored-file';
import { countEach } from '../model/tokens';
import { ProviderDirectory } from '../provider/provider-directory';
import { RunHistory, type Spoken } from '../run/run-history';
import { ToolBox, type ToolLoader } from '../tool/tool-box';
import { newestBehind, newestThatFit } from './context-window';
import { promptRoom } from './model-window';

/** For MCP servers whose tools nobody remembers: a turn does not wait longer for them, and their room is not kept free. */
const TOOLS_MS = 1000;

/** Who is to answer: an agent, or a run of one. */
export interface Asked extends Pick<Agent, 'model' | 'max_output_tokens'> {
  provider_id: string | null;
  tools?: string[];
  context_tokens?: number | null;
}

/** What an agent is given of a conversation. */
export interface Conversation {
  id: string;
  /** The system prompt, filled in. */
  prompt: string;
  /** Oldest first. */
  said: readonly SaidMessage[];
}

/** What was counted of a prompt, and of what there was of the conversation then: tokens by text. */
export interface Counted {
  beside: string;
  tokens: ReadonlyMap<string, number>;
}

/** What an agent is shown of a conversation. */
export interface Shown {
  messages: RunMessage[];
  /** How many of the messages that were said are among them: the others have fallen out. */
  shown_messages: number;
}

/** Decides what of a conversation an agent is shown: as many tokens as it may be, and as its model's window holds beside all else. */
@Injectable()
export class ConversationContext {
  constructor(
    private readonly rls: RlsPool,
    private readonly providers: ProviderDirectory,
    private readonly history: RunHistory,
    @Inject(ToolBox) private readonly tools: ToolLoader,
  ) {}

  /** Counts what there is, before the transaction that `of` is called in: it may take a while. */
  async count(asked: Asked, { id, prompt, said }: Conversation): Promise<Counted> {
    const beside = await this.beside(asked, prompt);
    const spoken = await this.history.complete(this.rls, id, said, { hasTools: hasTools(asked) });
    const messages = messagesOf(spoken);
    const uncounted = { beside, tokens: new Map<string, number>() };
    if (sumOf(messages.map((message) => sizeOf(message, uncounted))) <= budgetOf(asked, uncounted)) return uncounted;
    const texts = [beside, ...messages.map(wordsOf)];
    const counts = await countEach((await this.providers.kindOf(asked.provider_id)) ?? 'openai', texts);
    return { beside, tokens: new Map(texts.map((text, n) => [text, counts[n] ?? 0])) };
  }

  /**
   * The newest of the messages that fit, oldest first, with the tool calls that led to them, behind the summary of what was said before. The
   * newest message is always among them.
   */
  async of(db: Reader, asked: Asked, { id, said }: Conversation, counted: Counted): Promise<Shown> {
    const spoken = await this.history.complete(db, id, said, { hasTools: hasTools(asked) });
    const measured = spoken.map(({ message, calls }) => {
      const call_tokens = sumOf(calls.map((call) => sizeOf(call, counted)));
      return { message, tokens: sizeOf(message, counted), calls, call_tokens };
    });
    const budget = budgetOf(asked, counted);
    const [summary] = measured.filter(isSummary);
    const rest = measured.filter((one) => !isSummary(one));
    const fitting = summary ? newestBehind(summary, rest, budget) : newestThatFit(rest, budget);
    const shown = new Set<RunMessage>(fitting);
    const shown_messages = rest.filter(({ message }) => shown.has(message)).length;
    return { messages: fitting.map(withoutMarks), shown_messages };
  }

  /** What the model reads besides the conversation: the system prompt, and the tools on offer. */
  private async beside({ tools = [] }: Asked, prompt: string): Promise<string> {
    if (tools.length === 0) return prompt;
    // Why they cannot be loaded, the run itself will say.
    const loading = this.tools.load(tools).catch(() => []);
    const loaded = await Promise.race([loading, delay(TOOLS_MS, [], { ref: false })]);
    const offers = loaded.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
    return [prompt, ...offers.map((offer) => JSON.stringify(offer))].join('\n');
  }
}

/** Not among the instructions: it is made of what users say. */
export const summaryMessage = (summary: string): SaidMessage => ({
  role: 'user',
  content: `(What was said in this conversation before, in few words:\n${summary}\n)`,
  is_summary: true,
});

const isSummary = ({ message }: { message: SaidMessage }): boolean => message.is_summary === true;

const hasTools = ({ tools = [] }: Asked): boolean => tools.length > 0;

const messagesOf = (spoken: readonly Spoken[]): RunMessage[] =>
  spoken.flatMap(({ message, calls }) => [...calls, message]);

const withoutMarks = ({ run_id: _, is_summary: __, ...shown }: SaidMessage): RunMessage => shown;

const wordsOf = (message: RunMessage): string => textsOfMessage(message).join('\n');

/** No vocabulary makes more tokens of a text than it has bytes: so many count where nobody has counted. */
const tokensOf = (text: string, { tokens }: Counted): number => tokens.get(text) ?? Buffer.byteLength(text);

const sizeOf = (message: RunMessage, counted: Counted): number =>
  fixedTokens(message) + tokensOf(wordsOf(message), counted);

/** The tokens of a conversation that the agent is shown at most. What it says itself holds: it may know a longer window than we do. */
const budgetOf = (asked: Asked, counted: Counted): number =>
  asked.context_tokens ?? promptRoom(asked) - tokensOf(counted.beside, counted);

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
