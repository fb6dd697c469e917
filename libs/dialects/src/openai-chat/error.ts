import type { ProblemCode, ProblemError } from '@taai/contracts';
import type { ReplyShape } from '../dialect';
import { named, nullable, object, text } from '../schema';

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

/** Codes that clients of OpenAI's know by another name. */
const codes: Partial<Record<ProblemCode, string>> = {
  unauthenticated: 'invalid_api_key',
  unknown_model: 'model_not_found',
  rate_limited: 'rate_limit_exceeded',
};

/** `{"error":{…}}`. `param` is the first field at fault. */
export const openAiError: ReplyShape<[ProblemError]> = {
  schema: named('OpenAiError', {
    description: "An error as OpenAI's clients read it",
    ...object({ error: object({ message: text(), type: text(), param: nullable(text()), code: text() }) }),
  }),
  write({ code, status, message, extras }) {
    const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
    const path = extras.errors?.[0]?.path ?? null;
    const param = path && bracketed(path);
    const told = param === null ? message : message.replace(path ?? '', () => param);
    return JSON.stringify({ error: { message: told, type, param, code: codes[code] ?? code } });
  },
};

/** `messages.0.role` as OpenAI writes it: `messages[0].role`. */
const bracketed = (path: string): string => path.replace(/\.(\d+)(?=\.|$)/g, '[$1]');
