import type { RunEventData } from '@taai/contracts';
import { readApprovals, readUiMessages } from './ai-sdk-body';
import type { OpenCall, OutlinedRun, OutlineItem, Part } from './outline-item';
import type { Wire } from './wire';

type Ended = Extract<OutlineItem, { type: 'ended' }>;

/**
 * The AI SDK's UI message stream, which `useChat` reads (ai 7: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol). A run is one message, and
 * its id the message's. Tools are the server's: `providerExecuted`, so that clients do not call them, and `dynamic`, because they do not know
 * them. A call that waits asks for an approval under the id of the call, and the answer ends with it, for the client to send its decision: the
 * message with it, behind which the run is told on.
 *
 * Read from the start it is a replay, as `resume` wants it. A reader that goes on gets no `start`, at which the SDK would forget what it has:
 * a part that is open begins anew, and what follows comes in it.
 */
export const aiSdk: Wire = {
  headers: { 'x-vercel-ai-ui-message-stream': 'v1' },
  end: 'data: [DONE]\n\n',
  read: readUiMessages,
  answer: readApprovals,
  fail: ({ message }) => ({ type: 'error', errorText: message }),
  tell(item, run) {
    switch (item.type) {
      case 'begun':
        return [begun(run)];
      case 'step.begun':
        return [{ type: 'start-step' }];
      case 'step.ended':
        return [{ type: 'finish-step' }];
      case 'step.retried':
        return [{ type: 'reset-step' }];
      case 'part.begun':
        return [partBegun(item.part)];
      case 'part.grew':
        return [{ type: `${item.part.kind}-delta`, id: nameOf(item.part), delta: item.text }];
      case 'part.ended':
        return [{ type: `${item.part.kind}-end`, id: nameOf(item.part) }];
      case 'tool.called':
        return [called(item.call)];
      case 'approval.required':
        return [asked(item.call)];
      case 'tool.ended':
        return toolEnded(item.result, item.waited);
      case 'paused':
        return [{ type: 'finish', finishReason: 'tool-calls' }];
      case 'ended':
        return ended(item);
      case 'resumed':
        return [...(item.part ? [partBegun(item.part)] : []), ...item.calls.flatMap(open)];
    }
  },
};

const nameOf = ({ kind, number }: Part) => `${kind}-${number}`;

const begun = ({ id, conversation_id }: OutlinedRun) => ({
  type: 'start',
  messageId: id,
  messageMetadata: { run_id: id, ...(conversation_id !== null && { conversation_id }) },
});

const partBegun = (part: Part) => ({ type: `${part.kind}-start`, id: nameOf(part) });

const served = { providerExecuted: true, dynamic: true };

const called = ({ id, name, arguments: input }: RunEventData['tool.call']) => ({
  type: 'tool-input-available',
  toolCallId: id,
  toolName: name,
  input,
  ...served,
});

const asked = ({ id }: RunEventData['tool.call']) => ({
  type: 'tool-approval-request',
  approvalId: id,
  toolCallId: id,
});

const open = ({ call, waits }: OpenCall): object[] => (waits ? [called(call), asked(call)] : [called(call)]);

function toolEnded({ id, status, result, error }: RunEventData['tool.result'], waited: boolean): object[] {
  if (status === 'completed') return [{ type: 'tool-output-available', toolCallId: id, output: result, ...served }];
  const refused = { type: 'tool-approval-response', approvalId: id, approved: false };
  if (status === 'rejected') return [...(waited ? [refused] : []), { type: 'tool-output-denied', toolCallId: id }];
  const errorText = error?.detail ?? error?.code ?? 'The call failed.';
  return [{ type: 'tool-output-error', toolCallId: id, errorText, ...served }];
}

const finishReasons = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
  other: 'other',
} as const;

/** Clients that have answered a call look for its result, and answer again as long as there is none. */
const overtaken = ({ call: { id } }: OpenCall) => ({
  type: 'tool-output-error',
  toolCallId: id,
  errorText: 'The run has ended.',
  ...served,
});

function ended({ ending, usage, calls }: Ended): object[] {
  return [...calls.map(overtaken), ...endingOf(ending, usage)];
}

function endingOf(ending: Ended['ending'], usage: Ended['usage']): object[] {
  const messageMetadata = { usage };
  if (ending.type === 'run.cancelled') return [{ type: 'abort', reason: 'cancelled' }];
  if (ending.type === 'run.completed') {
    const { stop_reason } = ending.data;
    return [{ type: 'finish', ...(stop_reason && { finishReason: finishReasons[stop_reason] }), messageMetadata }];
  }
  const { detail, code } = ending.data;
  const failed = { type: 'error', errorText: detail ?? code ?? 'The run failed.' };
  return [failed, { type: 'finish', finishReason: 'error', messageMetadata }];
}
