import type { ChunkReader } from '../call';
import { count, list, record, text } from '../json';
import { ProviderError } from '../provider-error';
import { mintToolCallId } from '../tool-call-id';
import type { ChatEvent, StopReason, Usage } from '../types';

const stopReasons = new Map<string, StopReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

interface OpenCall {
  /** Ours, by order of appearance. */
  index: number;
  /** The vendor's, which some send anew with each piece. */
  id: string | null;
}

/** One answer in OpenAI's chunks, with what other vendors do differently. */
export class OpenAIChunks implements ChunkReader {
  private readonly events: ChatEvent[] = [];
  /** The last call under each of the vendor's indexes. */
  private readonly calls = new Map<unknown, OpenCall>();
  private last?: OpenCall;
  private begun = 0;
  private stop_reason: StopReason | null = null;
  private usage: Usage | null = null;

  read(chunk: unknown): readonly ChatEvent[] {
    this.events.length = 0;
    const { choices, usage, x_groq } = record(chunk);
    const { delta, finish_reason } = record(list(choices)[0]);
    this.readDelta(record(delta));
    const finish = text(finish_reason);
    if (finish !== null) this.stop_reason = stopReasons.get(finish) ?? 'other';
    if (usage) this.readUsage(usage);
    if (x_groq) this.readGroq(record(x_groq));
    return this.events;
  }

  finish(): ChatEvent | null {
    if (!this.stop_reason) return null;
    // Some stop without saying that it was for the calls.
    const stop_reason = this.stop_reason === 'stop' && this.begun > 0 ? 'tool_calls' : this.stop_reason;
    return { type: 'finish', stop_reason, usage: this.usage };
  }

  private readDelta(delta: Record<string, unknown>): void {
    const reasoning = text(delta.reasoning_content) ?? text(delta.reasoning);
    if (reasoning) this.events.push({ type: 'reasoning', text: reasoning });
    const answer = text(delta.content) || text(delta.refusal);
    if (answer) this.events.push({ type: 'text', text: answer });
    if (delta.tool_calls) for (const call of list(delta.tool_calls)) this.readCall(record(call));
  }

  private readCall({ index, id, function: called }: Record<string, unknown>): void {
    const { name, arguments: piece } = record(called);
    const call = this.callOf(index, text(id) || null, text(name) || null);
    const written = text(piece);
    if (written) this.events.push({ type: 'tool_arguments', index: call.index, text: written });
  }

  /**
   * A name begins a call, unless it only repeats the one that is under way: some send whole calls, all of them under the same index or under
   * none.
   */
  private callOf(index: unknown, id: string | null, name: string | null): OpenCall {
    const open = index === undefined ? this.last : this.calls.get(index);
    if (open && (name === null || (index !== undefined && (id === null || id === open.id)))) return open;
    if (name === null) throw new ProviderError('unavailable', 'The provider sent a tool call that names no tool.');
    const call = { index: this.begun++, id };
    this.calls.set(index, call);
    this.last = call;
    this.events.push({ type: 'tool_call', index: call.index, id: id ?? mintToolCallId(), name });
    return call;
  }

  private readUsage(value: unknown): void {
    const usage = readUsage(value);
    if (!usage) return;
    this.usage = usage;
    this.events.push({ type: 'usage', usage });
  }

  /** Groq tells here what it used, and why it stopped early. */
  private readGroq({ usage, error }: Record<string, unknown>): void {
    if (text(error)) throw new ProviderError('unavailable', 'The provider broke off its answer.');
    if (usage) this.readUsage(usage);
  }
}

/**
 * Usage in OpenAI's wire format, where caches are part of `prompt_tokens` and reasoning is part of `completion_tokens`. Some who speak the
 * format leave reasoning out of `completion_tokens`; it is then what the total has beyond the two.
 */
export function readUsage(value: unknown): Usage | null {
  const usage = record(value);
  const prompt = count(usage.prompt_tokens);
  const completion = count(usage.completion_tokens);
  if (prompt === null && completion === null) return null;
  const { cached_tokens, cache_write_tokens } = record(usage.prompt_tokens_details);
  const cache_read = atMost(prompt, count(cached_tokens));
  const cache_write = atMost(less(prompt, cache_read), count(cache_write_tokens));
  const beyond = (count(usage.total_tokens) ?? 0) - (prompt ?? 0) - (completion ?? 0);
  const told = count(record(usage.completion_tokens_details).reasoning_tokens);
  const reasoning = beyond > 0 ? beyond : atMost(completion, told);
  return {
    input_tokens: less(less(prompt, cache_read), cache_write),
    cache_read_tokens: cache_read,
    cache_write_tokens: cache_write,
    output_tokens: beyond > 0 ? completion : less(completion, reasoning),
    reasoning_tokens: reasoning,
  };
}

/** A part cannot exceed its whole, whatever was reported: the sum has to stay the provider's. */
const atMost = (whole: number | null, part: number | null): number | null =>
  part === null ? null : Math.min(whole ?? 0, part);

const less = (whole: number | null, part: number | null): number | null =>
  whole === null ? null : whole - (part ?? 0);
