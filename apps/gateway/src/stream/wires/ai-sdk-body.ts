import { invalidField } from '@taai/contracts';
import type { WireQuestion } from './wire';
import { assertKnown, lastMessage, textOf, type Body } from './wire-body';

const fields = new Set(['id', 'messages', 'trigger', 'messageId']);

/** What `useChat` sends: `{id, messages, trigger, messageId}`, of which the last message counts. */
export function readUiMessages(body: Body): WireQuestion {
  assertKnown(body, fields);
  if ((body['trigger'] ?? 'submit-message') !== 'submit-message')
    throw invalidField('trigger', 'must be submit-message');
  if (body['messageId'] !== undefined)
    throw invalidField('messageId', 'should not exist: what was said is not taken back');
  const { message, path, earlier } = lastMessage(body);
  return { text: textOf(message['parts'], `${path}.parts`), earlier };
}
