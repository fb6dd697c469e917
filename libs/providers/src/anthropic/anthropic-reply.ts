import { readUsage } from './anthropic-usage';
import { record, text } from '../json';
import { ProviderError } from '../provider-error';
import type { ChatEvent, JsonObject, StopReason } from '../types';
import type { ChunkReader } from '../call';

// Of thoughts that wait for their tool call. Models think up to 128,000 tokens.
const MAX_HELD_CHARACTERS = 1_000_000;
const CHARACTERS_PER_BLOCK = 100;

const stopReasons = new Map<unknown, StopReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

/** Reads the events of one message. Its blocks come one after another. */
export class AnthropicReply implements ChunkReader {
  private call?: { index: number; input: unknown; is_written: boolean };
  private thought?: { type: 'thinking'; thinking: string; signature: string };
  private thoughts: JsonObject[] = [];
  private held = 0;
  private calls = 0;
  private start: unknown;
  private end: unknown;
  private is_start_told = false;
  private stop_reason: StopReason | null = null;

  read(value: unknown): ChatEvent[] {
    const events = this.readEvent(record(value));
    // The usage of the prompt comes at once, but is no piece of an answer: it waits for the first.
    if (events.length === 0 || this.is_start_told) return events;
    this.is_start_told = true;
    return [...this.usage(), ...events];
  }

  finish(): ChatEvent | null {
    if (!this.stop_reason) return null;
    return { type: 'finish', stop_reason: this.stop_reason, usage: readUsage(this.start, this.end) };
  }

  private readEvent(event: JsonObject): ChatEvent[] {
    switch (event.type) {
      case 'message_start':
        this.start = record(event.message).usage;
        return [];
      case 'content_block_start':
        return this.begin(record(event.content_block));
      case 'content_block_delta':
        return this.goOn(record(event.delta));
      case 'content_block_stop':
        return this.close();
      case 'message_delta':
        return this.stop(event);
      default:
        return [];
    }
  }

  private begin(block: JsonObject): ChatEvent[] {
    this.call = this.thought = undefined;
    switch (block.type) {
      case 'text':
        return piece('text', block.text);
      case 'tool_use':
        return this.beginCall(block);
      case 'thinking':
        this.thought = { type: 'thinking', thinking: this.hold(block.thinking), signature: '' };
        this.thoughts.push(this.thought);
        return [];
      case 'redacted_thinking':
        this.thoughts.push({ type: 'redacted_thinking', data: this.hold(block.data) });
        return [];
      default:
        return [];
    }
  }

  private beginCall({ id, name, input }: JsonObject): ChatEvent[] {
    const thoughts = this.thoughts;
    this.call = { index: this.calls++, input, is_written: false };
    this.thoughts = [];
    this.held = 0;
    return [
      {
        type: 'tool_call',
        index: this.call.index,
        id: text(id) ?? '',
        name: text(name) ?? '',
        ...(thoughts.length > 0 && { opaque: JSON.stringify(thoughts) }),
      },
    ];
  }

  private goOn(delta: JsonObject): ChatEvent[] {
    switch (delta.type) {
      case 'text_delta':
        return piece('text', delta.text);
      case 'thinking_delta':
        if (this.thought) this.thought.thinking += this.hold(delta.thinking);
        return piece('reasoning', delta.thinking);
      case 'signature_delta':
        if (this.thought) this.thought.signature += this.hold(delta.signature);
        return [];
      case 'input_json_delta':
        return this.write(text(delta.partial_json));
      default:
        return [];
    }
  }

  private write(written: string | null): ChatEvent[] {
    if (!this.call || !written) return [];
    this.call.is_written = true;
    return [{ type: 'tool_arguments', index: this.call.index, text: written }];
  }

  /** A call without arguments has no deltas. */
  private close(): ChatEvent[] {
    const events = this.call?.is_written === false ? this.write(JSON.stringify(record(this.call.input))) : [];
    this.call = this.thought = undefined;
    return events;
  }

  private stop({ delta, usage }: JsonObject): ChatEvent[] {
    const reason = text(record(delta).stop_reason);
    if (reason !== null) this.stop_reason = stopReasons.get(reason) ?? 'other';
    this.end = usage;
    this.is_start_told = true;
    return this.usage();
  }

  private usage(): ChatEvent[] {
    const usage = readUsage(this.start, this.end);
    return usage ? [{ type: 'usage', usage }] : [];
  }

  private hold(value: unknown): string {
    const held = text(value) ?? '';
    this.held += held.length + CHARACTERS_PER_BLOCK;
    if (this.held > MAX_HELD_CHARACTERS) throw new ProviderError('unavailable', 'The provider thinks without end.');
    return held;
  }
}

function piece(type: 'text' | 'reasoning', value: unknown): ChatEvent[] {
  const written = text(value);
  return written ? [{ type, text: written }] : [];
}
