import type { SandboxKind } from './base-url.ts';
import { lastUserMessage, type Message } from './chat.ts';

/** What the provider's side saw of one call: how a test proves that a socket was closed, and what was used. */
export interface Call {
  /** The answer's id. */
  id: string;
  format: SandboxKind;
  /** With its directives. */
  model: string;
  /** The newest 100, each text cut to 1,000 characters. The inputs of embeddings are the user's messages. */
  messages: Message[];
  /** Names of the tools on offer, at most 100. */
  tools: string[];
  stream: boolean;
  /** The whole answer left. */
  finished: boolean;
  /** The client closed its socket before that. */
  aborted: boolean;
  prompt_tokens: number;
  /** Tokens of text and tool calls that left. */
  tokens_sent: number;
  /** Tokens that were thought, whether the format shows them or not. */
  reasoning_tokens: number;
}

const MAX_CALLS = 1_000;
const MAX_ITEMS = 100;
const MAX_CHARACTERS = 1_000;

/** The newest calls, oldest first. */
export class CallLog {
  readonly calls: Call[] = [];
  private count = 0;

  add({ model, messages, tools, ...seen }: Pick<Call, 'format' | 'model' | 'messages' | 'tools' | 'stream'>): Call {
    const call: Call = {
      id: `sandbox-${++this.count}`,
      ...seen,
      model: cut(model),
      messages: messages.slice(-MAX_ITEMS).map(shorten),
      tools: tools.slice(0, MAX_ITEMS),
      finished: false,
      aborted: false,
      prompt_tokens: 0,
      tokens_sent: 0,
      reasoning_tokens: 0,
    };
    this.calls.push(call);
    if (this.calls.length > MAX_CALLS) this.calls.shift();
    return call;
  }

  /** How often this call's model was asked this call's question, this time included. */
  timesAsked({ model, messages }: Call): number {
    const question = lastUserMessage(messages);
    return this.calls.filter((call) => call.model === model && lastUserMessage(call.messages) === question).length;
  }
}

const cut = (text: string): string => text.slice(0, MAX_CHARACTERS);

const shorten = ({ role, content, media, tool_calls, tool_call_id }: Message): Message => ({
  role,
  content: cut(content),
  ...(media && { media: media.slice(0, MAX_ITEMS) }),
  ...(tool_calls && {
    tool_calls: tool_calls
      .slice(0, MAX_ITEMS)
      .map((call) => ({ id: cut(call.id), name: cut(call.name), arguments: cut(call.arguments) })),
  }),
  ...(tool_call_id !== undefined && { tool_call_id: cut(tool_call_id) }),
});

/** What the sandbox at `url` was asked, oldest first. */
export async function readCalls(url: string): Promise<Call[]> {
  const response = await fetch(`${url}/sandbox/calls`, { signal: AbortSignal.timeout(10_000) });
  return ((await response.json()) as { data: Call[] }).data;
}
