import type { ChunkReader } from '../call';
import { count, list, record, text } from '../json';
import { mintToolCallId } from '../tool-call-id';
import type { ChatEvent, StopReason, Usage } from '../types';

const stopReasons = new Map<string, StopReason>([
  ['stop', 'stop'],
  ['length', 'length'],
]);

/** One answer in Ollama's messages. Its tool calls come whole. */
export class OllamaChunks implements ChunkReader {
  private readonly events: ChatEvent[] = [];
  private calls = 0;
  private finished: ChatEvent | null = null;

  read(chunk: unknown): readonly ChatEvent[] {
    this.events.length = 0;
    const { message, done, done_reason, ...figures } = record(chunk);
    this.readMessage(record(message));
    if (done === true) {
      const stop_reason = stopReasons.get(text(done_reason) ?? 'stop') ?? 'other';
      this.finished = {
        type: 'finish',
        stop_reason: stop_reason === 'stop' && this.calls > 0 ? 'tool_calls' : stop_reason,
        usage: readOllamaUsage(figures),
      };
    }
    return this.events;
  }

  finish(): ChatEvent | null {
    return this.finished;
  }

  private readMessage({ thinking, content, tool_calls }: Record<string, unknown>): void {
    const reasoning = text(thinking);
    if (reasoning) this.events.push({ type: 'reasoning', text: reasoning });
    const answer = text(content);
    if (answer) this.events.push({ type: 'text', text: answer });
    if (tool_calls) for (const call of list(tool_calls)) this.readCall(record(call));
  }

  private readCall({ id, function: called }: Record<string, unknown>): void {
    const { name, arguments: values } = record(called);
    const index = this.calls++;
    this.events.push(
      { type: 'tool_call', index, id: text(id) || mintToolCallId(), name: text(name) ?? '' },
      { type: 'tool_arguments', index, text: JSON.stringify(values ?? {}) },
    );
  }
}

/** Thoughts are part of what was generated, and are not told apart; nor is what came from its cache of prompts. */
export function readOllamaUsage(figures: unknown): Usage | null {
  const { prompt_eval_count, eval_count } = record(figures);
  const input_tokens = count(prompt_eval_count);
  const output_tokens = count(eval_count);
  if (input_tokens === null && output_tokens === null) return null;
  return { input_tokens, cache_read_tokens: null, cache_write_tokens: null, output_tokens, reasoning_tokens: null };
}
