import { assertStorable, invalidField, limits, type DecideToolCall } from '@taai/contracts';
import { validate } from 'uuid';

/** The decisions on tool calls of one run that a wire's own request body says. */
export interface WireAnswer {
  run_id: string;
  decisions: Pick<DecideToolCall, 'tool_call_id' | 'decision'>[];
}

// Each throws `validation_failed` for what is none.

export function runIdAt(id: unknown, path: string): string {
  if (typeof id !== 'string' || !validate(id)) throw invalidField(path, 'must name a run');
  return id;
}

export function callIdAt(id: unknown, path: string): string {
  if (typeof id !== 'string' || id.length > limits.toolCallIdCharacters)
    throw invalidField(path, 'must name a tool call');
  assertStorable(id, path);
  return id;
}

export function decisionAt(approved: unknown, path: string): DecideToolCall['decision'] {
  if (typeof approved !== 'boolean') throw invalidField(path, 'must be a boolean');
  return approved ? 'approve' : 'reject';
}
