import type { Conversation, Message } from '@taai/contracts';

/** How a conversation is written into a file, piece by piece: its beginning, each of its messages, its end. */
export interface ExportFormat {
  extension: string;
  contentType: string;
  begin(conversation: Conversation): string;
  message(message: Message, isFirst: boolean): string;
  end: string;
}

const speakers: Record<string, string> = { user: 'User', assistant: 'Assistant', system: 'System', tool: 'Tool' };

/** A title that would end its line, or the heading, is one line. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

export const markdown: ExportFormat = {
  extension: 'md',
  contentType: 'text/markdown; charset=utf-8',
  begin: ({ title, created_at }) => `# ${oneLine(title ?? 'Conversation')}\n\n${String(created_at)}\n`,
  message: ({ role, content, created_at }) =>
    `\n## ${speakers[role] ?? role}, ${String(created_at)}\n\n${content.trimEnd()}\n`,
  end: '',
};

export const json: ExportFormat = {
  extension: 'json',
  contentType: 'application/json; charset=utf-8',
  begin: (conversation) => `{"conversation":${JSON.stringify(conversation)},"messages":[`,
  message: (message, isFirst) => `${isFirst ? '' : ','}\n${JSON.stringify(message)}`,
  end: '\n]}\n',
};
