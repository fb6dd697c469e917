import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Agent, StartRunFor } from '@taai/contracts';
import { RlsPool } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { fixedTokens, textsOfMessage } from '../accounting/usage-estimate';
import { AgentDirectory } from '../agent/agent-directory';
import { fillPrompt } from '../agent/system-prompt';
import { toRunMessage, type RunMessage } from '../file/stored-file';
import { countEach } from '../model/tokens';
import { ProviderDirectory } from '../provider/provider-directory';
import { RunHistory } from '../run/run-history';
import { ToolBox, type ToolLoader } from '../tool/tool-box';
import { newestBehind, newestThatFit } from './context-window';
import { promptRoom } from './model-window';

/** For MCP servers whose tools nobody remembers: a turn does not wait longer for them, and their room is not kept free. */
const TOOLS_MS = 1000;

type Order = Pick<StartRunFor, 'agent_id' | 'conversation_id' | 'messages' | 'summary'>;

/** What was said, with the tool calls that led to it. */
interface Spoken {
  message: RunMessage;
  calls: readonly RunMessage[];
}

/** What an agent is shown of a conversation. */
export interface Shown {
  messages: RunMessage[];
  /** How many of the order's messages are among them: the others have fallen out. */
  shown_messages: number;
}

/** Decides what of a conversation an agent is shown: as many tokens as it may be, and as its model's window holds beside all else. */
@Injectable()
export class ConversationContext {
  constructor(
    private readonly rls: RlsPool,
    private readonly agents: AgentDirectory,
    private readonly providers: ProviderDirectory,
    private readonly history: RunHistory,
    @Inject(ToolBox) private readonly tools: ToolLoader,
  ) {}

  /**
   * The newest of the messages that fit, oldest first, with the tool calls that led to them, behind the summary of what was said before. The
   * newest message is always among them.
   */
  async of(order: Order): Promise<Shown> {
    const agent = await this.agents.current(this.rls, order.agent_id);
    const summary = order.summary ? [summaryMessage(order.summary)] : [];
    const spoken = await this.spoken(agent, order);
    const messages = await this.fitting(agent, spoken, summary);
    const shown = new Set(messages);
    return { messages, shown_messages: spoken.filter(({ message }) => shown.has(message)).length };
  }

  private async fitting(
    agent: Agent,
    spoken: readonly Spoken[],
    summary: readonly RunMessage[],
  ): Promise<RunMessage[]> {
    const messages = [...summary, ...spoken.flatMap(({ calls, message }) => [...calls, message])];
    const beside = await this.beside(agent);
    // No vocabulary makes more tokens of a text than it has bytes: what fits by them need not be counted.
    const sizes = sizesOf(
      messages,
      [beside, ...messages.map(wordsOf)].map((text) => Buffer.byteLength(text)),
    );
    if (sumOf([...sizes.messages.values()]) <= budgetOf(agent, sizes.beside)) return messages;
    const kind = (await this.providers.kindOf(agent.provider_id)) ?? 'openai';
    const counted = sizesOf(messages, await countEach(kind, [beside, ...messages.map(wordsOf)]));
    const tokens = (message: RunMessage) => counted.messages.get(message) ?? 0;
    const said = spoken.map((one) => ({
      ...one,
      tokens: tokens(one.message),
      call_tokens: sumOf(one.calls.map(tokens)),
    }));
    const budget = budgetOf(agent, counted.beside);
    const [told] = summary.map((message) => ({ message, tokens: tokens(message) }));
    return told ? newestBehind(told, said, budget) : newestThatFit(said, budget);
  }

  private async spoken({ tools }: Agent, { conversation_id, messages }: Order): Promise<Spoken[]> {
    // Vendors take no tool calls where there are no tools.
    const calls = await this.history.toolCalls(conversation_id, tools.length > 0 ? messages : []);
    return messages.map((said) => ({ message: toRunMessage(said), calls: calls.get(said.run_id ?? '') ?? [] }));
  }

  /** What the model reads besides the conversation: the system prompt, and the tools on offer. */
  private async beside({ system_prompt, variables, tools }: Agent): Promise<string> {
    const prompt = fillPrompt(
      system_prompt,
      variables,
      {},
      { now: new Date(), user_id: currentCaller().user_id ?? null },
    );
    if (tools.length === 0) return prompt;
    // Why they cannot be loaded, the run itself will say.
    const loading = this.tools.load(tools).catch(() => []);
    const loaded = await Promise.race([loading, delay(TOOLS_MS, [], { ref: false })]);
    const offers = loaded.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
    return [prompt, ...offers.map((offer) => JSON.stringify(offer))].join('\n');
  }
}

/** The tokens of a conversation that the agent is shown at most, beside others. */
const budgetOf = (agent: Agent, beside: number): number =>
  Math.min(agent.context_tokens ?? Infinity, promptRoom(agent) - beside);

/** The sizes of what is beside the conversation, and of its messages, given those of their words in this order. */
function sizesOf(messages: readonly RunMessage[], [beside = 0, ...words]: readonly number[]) {
  return { beside, messages: new Map(messages.map((message, n) => [message, fixedTokens(message) + (words[n] ?? 0)])) };
}

const wordsOf = (message: RunMessage): string => textsOfMessage(message).join('\n');

/** Not among the instructions: it is made of what users say. */
const summaryMessage = (summary: string): RunMessage => ({
  role: 'user',
  content: `(What was said in this conversation before, in few words:\n${summary}\n)`,
});

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
