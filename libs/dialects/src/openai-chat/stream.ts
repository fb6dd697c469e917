import { ProblemError, type CompletionEnd, type CompletionHead, type TokenUsage } from '@taai/contracts';
import type { ChatEvent } from '@taai/providers';
import { textOf } from '../chat-event';
import type { ChatWriter, StreamShape } from '../dialect';
import { openAiError } from './error';
import { withOpaque } from './opaque-call-id';
import { finishReason, modelName, secondsNow, usageOf } from './reply';
import type { OpenAiAsked } from './request';

/** Chunks of a chat completion. A failure is told instead of `[DONE]`. */
export const chunks: StreamShape<OpenAiAsked> = {
  open: (head, { include_usage }) => new ChunkWriter(head, include_usage),
  fail: (problem) => `data: ${openAiError.write(problem)}\n\n`,
};

/** What stands around the deltas is written once per answer: a text, of which we have the JSON already, is put between. */
class ChunkWriter implements ChatWriter {
  private readonly fields: string;
  private readonly before: string;
  private readonly after: string;

  constructor(
    head: CompletionHead,
    private readonly include_usage: boolean,
  ) {
    const id = `chatcmpl-${head.call_id}`;
    const fields = { id, object: 'chat.completion.chunk', created: secondsNow(), model: modelName(head) };
    this.fields = `data: ${JSON.stringify(fields).slice(0, -1)}`;
    this.before = `${this.fields},"choices":[{"index":0,"delta":`;
    // Clients that ask for the usage find a null in all chunks but the last.
    this.after = `}]${include_usage ? ',"usage":null' : ''}}\n\n`;
  }

  begin(): string {
    return this.around('{"role":"assistant","content":""}');
  }

  event(event: string): string {
    const text = textOf(event);
    if (text !== undefined) return this.around(`{"content":${text}}`);
    const delta = deltaOf(JSON.parse(event) as ChatEvent);
    return delta ? this.around(JSON.stringify(delta)) : '';
  }

  /** Why the answer ends, what it used if that was asked for, and that nothing follows; after a failure that instead. */
  end(end: CompletionEnd): string {
    const usage = this.include_usage ? this.usage(end.usage) : '';
    if (end.problem) return usage + chunks.fail(ProblemError.fromJSON(end.problem));
    const reason = `${this.before}{},"logprobs":null,"finish_reason":"${finishReason(end)}"${this.after}`;
    return `${reason}${usage}data: [DONE]\n\n`;
  }

  private around(delta: string): string {
    return `${this.before}${delta},"logprobs":null,"finish_reason":null${this.after}`;
  }

  private usage(usage: TokenUsage): string {
    const { cost_micro_usd } = usage;
    return `${this.fields},"choices":[],${JSON.stringify({ usage: usageOf(usage), cost_micro_usd }).slice(1)}\n\n`;
  }
}

/** Nothing for what no client expects. */
function deltaOf(event: ChatEvent): object | undefined {
  switch (event.type) {
    case 'text':
      return { content: event.text };
    case 'reasoning':
      return { reasoning_content: event.text };
    case 'tool_call': {
      const { index, id, name, opaque } = event;
      const call = { index, id: withOpaque(id, opaque), type: 'function', function: { name, arguments: '' } };
      return { tool_calls: [call] };
    }
    case 'tool_arguments':
      return { tool_calls: [{ index: event.index, function: { arguments: event.text } }] };
    default:
      return undefined;
  }
}
