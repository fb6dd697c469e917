import { invalidField, type MessageFile } from '@taai/contracts';
import { fileAt, saidIn, textIn } from './said';
import type { WireQuestion } from './wire';
import { assertKnown, lastMessage, type Body } from './wire-body';

const fields = new Set(['id', 'messages', 'trigger', 'messageId']);

/** What `useChat` sends: `{id, messages, trigger, messageId}`, of which the last message counts. */
export function readUiMessages(body: Body): WireQuestion {
  assertKnown(body, fields);
  if ((body['trigger'] ?? 'submit-message') !== 'submit-message')
    throw invalidField('trigger', 'must be submit-message');
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
