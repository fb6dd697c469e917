import { refused } from './google-errors';
import { readUsage } from './google-usage';
import { list, record, text } from '../json';
import { refusalAs } from '../failure';
import { mintToolCallId } from '../tool-call-id';
import type { ChatEvent, JsonObject, StopReason, Usage } from '../types';
import type { ChunkReader } from '../call';

const stopReasons = new Map<unknown, StopReason>([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['LANGUAGE', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
]);

/** Reads the chunks of one answer. A call of a tool comes as a whole. */
export class GoogleReply implements ChunkReader {
  private calls = 0;
  private usage: Usage | null = null;
  private stop_reason: StopReason | null = null;
  private is_blocked = false;

  constructor(private readonly secret: string) {}

  read(value: unknown): ChatEvent[] {
    const chunk = record(value);
    if (chunk.error !== undefined) throw refused(record(chunk.error), this.secret);
    if (text(record(chunk.promptFeedback).blockReason) !== null) this.is_blocked = true;
    const candidate = record(list(chunk.candidates)[0]);
    const reason = text(candidate.finishReason);
    if (reason !== null) this.stop_reason = stopReasons.get(reason) ?? 'other';
    const pieces = list(record(candidate.content).parts).flatMap((part) => this.readPart(record(part)));
    return [...pieces, ...this.readUsage(chunk.usageMetadata)];
  }

  /** @throws ProviderError `content_filter` when the prompt was blocked, which has no other end */
  finish(): ChatEvent | null {
    if (this.is_blocked) throw refusalAs('content_filter', { status: null, message: null }, this.secret);
    if (!this.stop_reason) return null;
    const is_call = this.stop_reason === 'stop' && this.calls > 0;
    return { type: 'finish', stop_reason: is_call ? 'tool_calls' : this.stop_reason, usage: this.usage };
  }

  private readPart(part: JsonObject): ChatEvent[] {
    if (part.functionCall !== undefined) return this.readCall(record(part.functionCall), text(part.thoughtSignature));
    const written = text(part.text);
    return written ? [{ type: part.thought === true ? 'reasoning' : 'text', text: written }] : [];
  }

  private readCall({ id, name, args }: JsonObject, signature: string | null): ChatEvent[] {
    const index = this.calls++;
    return [
      {
        type: 'tool_call',
        index,
        id: text(id) ?? mintToolCallId(),
        name: text(name) ?? '',
        ...(signature && { opaque: signature }),
      },
      { type: 'tool_arguments', index, text: JSON.stringify(record(args)) },
    ];
  }

  private readUsage(value: unknown): ChatEvent[] {
    const usage = readUsage(value);
    if (!usage) return [];
    this.usage = usage;
    return [{ type: 'usage', usage }];
  }
}
