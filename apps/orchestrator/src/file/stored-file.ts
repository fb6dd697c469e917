import type { Attachment, ChatMessage as ToldMessage } from '@taai/contracts';
import type { ChatMessage, ContentPart } from '@taai/providers';

/** A file by its id: what a run keeps of it. Its bytes are read when a model is asked, and kept no longer. */
export interface StoredFilePart extends Attachment {
  type: 'stored_file';
}

/** A message of a run: as models are shown it, but for files. */
export type RunMessage =
  Exclude<ChatMessage, { role: 'user' }> | { role: 'user'; content: string | (ContentPart | StoredFilePart)[] };

/** A message that was said. The run is the one that gave the answer, or that answers the question; a summary is of what was said before. */
export type SaidMessage = RunMessage & { run_id?: string; is_summary?: true };

/** What was said, with its files before it: models read them better in this order. */
export function toRunMessage({ role, content, attachments = [] }: ToldMessage): RunMessage {
  if (role === 'assistant' || attachments.length === 0) return { role, content };
  const files = attachments.map((attachment): StoredFilePart => ({ type: 'stored_file', ...attachment }));
  // Vendors refuse texts without a word.
  return { role, content: content === '' ? files : [...files, { type: 'text', text: content }] };
}

/** The same, with the run that it has to do with. */
export const toSaidMessage = (message: ToldMessage): SaidMessage => ({
  ...toRunMessage(message),
  ...(message.run_id && { run_id: message.run_id }),
});

/** The text of a message, without what is in its files. */
export const textOf = ({ content }: RunMessage): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** The files of a message, in their order. */
export const filesOf = ({ content }: RunMessage): StoredFilePart[] =>
  typeof content === 'string' ? [] : content.filter((part) => part.type === 'stored_file');
