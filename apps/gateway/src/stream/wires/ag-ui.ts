import type { RunEventData, TokenUsage } from '@taai/contracts';
import { interruptId, readResume, readRunAgentInput } from './ag-ui-body';
import type { OutlinedRun, OutlineItem, Part } from './outline-item';
import type { Wire } from './wire';

type Ended = Extract<OutlineItem, { type: 'ended' }>;
type Paused = Extract<OutlineItem, { type: 'paused' }>;

/**
 * Events of AG-UI 1.0 (https://docs.ag-ui.com/concepts/events). A step's text and tool calls are one message. What AG-UI has no event for
 * is `CUSTOM`, under our name: `step.retried`, which voids the message `message_id` (the step goes on in a new one), and
 * `approval.required`. Where a run waits for a person, what the client takes for a run ends with an interrupt for each call; `resume` answers
 * them, and tells the rest.
 *
 * A reader that goes on is told, as every new connection must be, that the run and its step have started; the open message begins anew
 * under its own name, and grows where it was.
 */
export const agUi: Wire = {
  headers: {},
  end: '',
  read: readRunAgentInput,
  answer: readResume,
  fail: ({ message, code }) => ({ type: 'RUN_ERROR', message, code }),
  tell(item, run) {
    switch (item.type) {
      case 'begun':
        return [begun(run)];
      case 'step.begun':
        return [{ type: 'STEP_STARTED', stepName: String(item.step) }];
      case 'step.ended':
        return [{ type: 'STEP_FINISHED', stepName: String(item.step) }];
      case 'step.retried':
        return [custom('step.retried', { ...item.data, message_id: item.message })];
      case 'part.begun':
        return partBegun(item.part);
      case 'part.grew':
        return [{ type: `${typeOf(item.part)}_CONTENT`, messageId: nameOf(item.part), delta: item.text }];
      case 'part.ended':
        return partEnded(item.part);
      case 'tool.called':
        return called(item.call, item.message);
      case 'approval.required':
        return [custom('approval.required', item.call)];
      case 'tool.ended':
        return [toolEnded(item.result, run)];
      case 'paused':
        return paused(item, run);
      case 'ended':
        return [ended(item, run)];
      case 'resumed':
        return [
          begun(run),
          { type: 'STEP_STARTED', stepName: String(item.step) },
          ...(item.part ? partBegun(item.part) : []),
        ];
    }
  },
};

const PROTOCOL_VERSION = '1.0';

const idsOf = ({ id, conversation_id }: OutlinedRun) => ({ threadId: conversation_id ?? id, runId: id });

const begun = (run: OutlinedRun) => ({ type: 'RUN_STARTED', ...idsOf(run), protocolVersion: PROTOCOL_VERSION });

const custom = (name: string, value: object) => ({ type: 'CUSTOM', name, value });

const typeOf = ({ kind }: Part) => (kind === 'text' ? 'TEXT_MESSAGE' : 'REASONING_MESSAGE');

const nameOf = ({ kind, message }: Part) => (kind === 'text' ? message : `${message}:reasoning`);

function partBegun(part: Part): object[] {
  const messageId = nameOf(part);
  if (part.kind === 'text') return [{ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' }];
  const message = { type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' };
  return [{ type: 'REASONING_START', messageId }, message];
}

function partEnded(part: Part): object[] {
  const messageId = nameOf(part);
  const message = { type: `${typeOf(part)}_END`, messageId };
  return part.kind === 'text' ? [message] : [message, { type: 'REASONING_END', messageId }];
}

function called({ id, name, arguments: given }: RunEventData['tool.call'], parentMessageId: string): object[] {
  const delta = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return [
    { type: 'TOOL_CALL_START', toolCallId: id, toolCallName: name, parentMessageId },
    { type: 'TOOL_CALL_ARGS', toolCallId: id, delta },
    { type: 'TOOL_CALL_END', toolCallId: id },
  ];
}

function toolEnded({ id, status, result, error }: RunEventData['tool.result'], run: OutlinedRun): object {
  const told = status === 'completed' ? (result ?? null) : { status, ...error };
  const content = typeof told === 'string' ? told : JSON.stringify(told);
  return { type: 'TOOL_CALL_RESULT', messageId: `${run.id}:${id}`, toolCallId: id, content, role: 'tool' };
}

const responseSchema = {
  type: 'object',
  properties: { approved: { type: 'boolean' } },
  required: ['approved'],
  additionalProperties: false,
};

function paused({ step, calls }: Paused, run: OutlinedRun): object[] {
  const interrupts = calls.map(({ id, name }) => ({
    id: interruptId(run.id, id),
    reason: 'tool_call',
    message: `May the tool ${name} be called?`,
    toolCallId: id,
    responseSchema,
  }));
  const outcome = { type: 'interrupt', interrupts };
  return [
    { type: 'STEP_FINISHED', stepName: String(step) },
    { type: 'RUN_FINISHED', ...idsOf(run), outcome },
  ];
}

function ended({ ending, usage }: Ended, run: OutlinedRun): object {
  const told = usage && { usage: [usageOf(usage)] };
  if (ending.type === 'run.failed') {
    const { code, detail } = ending.data;
    return { type: 'RUN_ERROR', message: detail ?? 'The run failed.', ...(code !== null && { code }), ...told };
  }
  const finished = { type: 'RUN_FINISHED', ...idsOf(run) };
  if (ending.type === 'run.cancelled') return { ...finished, outcome: { type: 'cancelled' }, ...told };
  return { ...finished, result: ending.data, outcome: { type: 'success' }, ...told };
}

/** AG-UI counts caches in the input, and reasoning in the output. */
function usageOf(usage: TokenUsage): object {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = usage;
  return withoutNulls({
    inputTokens: sum(input_tokens, cache_read_tokens, cache_write_tokens),
    outputTokens: sum(output_tokens, reasoning_tokens),
    reasoningTokens: reasoning_tokens,
    cachedInputTokens: cache_read_tokens,
    cacheWriteInputTokens: cache_write_tokens,
  });
}

/** Null where the first is: without it the others are no total. */
const sum = (first: number | null, ...more: (number | null)[]): number | null =>
  first === null ? null : more.reduce<number>((total, one) => total + (one ?? 0), first);

const withoutNulls = (counts: Record<string, number | null>): object =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== null));
