import type { Completion } from '@taai/contracts';
import type { ReplyShape } from '../../dialect';
import { named, object, text } from '../../schema';

export const echoReply: ReplyShape<[Completion]> = {
  schema: named('Echo', object({ from: text(), says: text() })),
  write: ({ head, reply }) => JSON.stringify({ from: head.provider, says: reply.text }),
};
