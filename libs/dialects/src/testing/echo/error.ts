import type { ProblemError } from '@taai/contracts';
import type { ReplyShape } from '../../dialect';
import { named, text, written } from '../../schema';

export const echoError: ReplyShape<[ProblemError]> = {
  schema: named('Oops', written({ oops: text() }, { where: text() })),
  write: ({ code, extras }) => JSON.stringify({ oops: code, where: extras.errors?.[0]?.path }),
};
