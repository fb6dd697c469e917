import type { ChatMessage } from './chat-request.ts';

/** What the provider's side saw of one call: how a test proves that a socket was closed. */
export interface Call {
  /** The completion's id. */
  id: string;
  model: string;
  /** At most 100, each cut to 1,000 characters. */
  messages: ChatMessage[];
  stream: boolean;
  /** The whole answer left. */
  finished: boolean;
  /** The client closed its socket before that. */
  aborted: boolean;
  tokens_sent: number;
}

const MAX_CALLS = 1_000;
const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 1_000;

/** The newest calls, oldest first. */
export class CallLog {
  readonly calls: Call[] = [];
  #count = 0;

  add(model: string, messages: ChatMessage[], stream: boolean): Call {
    const call: Call = {
      id: `chatcmpl-sandbox-${++this.#count}`,
      model,
      messages: messages
        .slice(-MAX_MESSAGES)
        .map(({ role, content }) => ({ role, content: content.slice(0, MAX_CHARACTERS) })),
      stream,
      finished: false,
      aborted: false,
      tokens_sent: 0,
    };
    this.calls.push(call);
    if (this.calls.length > MAX_CALLS) this.calls.shift();
    return call;
  }
}

/** What the sandbox at `url` was asked, oldest first. */
export async function readCalls(url: string): Promise<Call[]> {
  const response = await fetch(`${url}/sandbox/calls`, { signal: AbortSignal.timeout(10_000) });
  return ((await response.json()) as { data: Call[] }).data;
}
