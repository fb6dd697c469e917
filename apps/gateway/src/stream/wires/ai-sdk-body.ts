import { invalidField, type MessageFile } from '@taai/contracts';
import { fileAt, saidIn, textIn } from './said';
import type { WireQuestion } from './wire';
import { callIdAt, decisionAt, runIdAt, type WireAnswer } from './wire-answer';
import { assertKnown, isBody, lastMessage, type Body } from './wire-body';

const fields = new Set(['id', 'messages', 'trigger', 'messageId']);

/** What `useChat` sends: `{id, messages, trigger, messageId}`, of which the last message counts. */
export function readUiMessages(body: Body): WireQuestion {
  assertSubmitted(body);
  if (body['messageId'] !== undefined)
    throw invalidField('messageId', 'should not exist: what was said is not taken back');
  const { message, path, earlier } = lastMessage(body);
  return { ...saidIn(message['parts'], `${path}.parts`, fileOf), earlier };
}

/** A `FileUIPart`. Its media type is of no consequence: the bytes tell. */
function fileOf(part: Body, path: string): MessageFile {
  if (part['type'] !== 'file') throw invalidField(`${path}.type`, 'must be text or file');
  return fileAt(textIn(part, 'url', path), part, path);
}

/** What `useChat` sends once the user has decided on the tool calls of the run that is the last message. */
export function readApprovals(body: Body): WireAnswer | undefined {
  const { messages } = body;
  const at = Array.isArray(messages) ? messages.length - 1 : -1;
  const message: unknown = Array.isArray(messages) ? messages[at] : undefined;
  if (!isBody(message) || message['role'] !== 'assistant' || !Array.isArray(message['parts'])) return undefined;
  const path = `messages.${at}`;
  const decisions = message['parts'].flatMap((part: unknown, index) => {
    const isAnswered = isBody(part) && part['state'] === 'approval-responded';
    return isAnswered ? [decisionOf(part, `${path}.parts.${index}`)] : [];
  });
  if (decisions.length === 0) return undefined;
  assertSubmitted(body);
  const { id } = message;
  if ((body['messageId'] ?? id) !== id) throw invalidField('messageId', 'must be the last message');
  return { run_id: runIdAt(id, `${path}.id`), decisions };
}

function assertSubmitted(body: Body): void {
  assertKnown(body, fields);
  if ((body['trigger'] ?? 'submit-message') !== 'submit-message')
    throw invalidField('trigger', 'must be submit-message');
}

function decisionOf({ approval, toolCallId }: Body, path: string) {
  if (!isBody(approval) || approval['id'] !== toolCallId) throw invalidField(`${path}.approval`, 'must be of the call');
  if (approval['reason'] !== undefined)
    throw invalidField(`${path}.approval.reason`, 'should not exist: nobody would read it');
  return {
    tool_call_id: callIdAt(toolCallId, `${path}.toolCallId`),
    decision: decisionAt(approval['approved'], `${path}.approval.approved`),
  };
}
