import { invalidField, limits, type DecideToolCall } from '@taai/contracts';
import { validate } from 'uuid';

/** The decisions on tool calls of one run that a wire's own request body says. */
export interface WireAnswer {
  run_id: string;
  decisions: Pick<DecideToolCall, 'tool_call_id' | 'decision'>[];
}

export const runIdAt = (id: unknown, path: string): string => {
  if (typeof id !== 'string' || !validate(id)) throw invalidField(path, 'must name a run');
  return id;
};

/** The decision on a call. Throws `validation_failed` for what is none. */
export function decisionAt(call: unknown, approved: unknown, path: string): WireAnswer['decisions'][number] {
  if (typeof call !== 'string' || call.length > limits.toolCallIdCharacters)
    throw invalidField(path, 'must name a tool call');
  if (typeof approved !== 'boolean') throw invalidField(path, 'must be approved or not');
  return { tool_call_id: call, decision: approved ? 'approve' : 'reject' };
}
