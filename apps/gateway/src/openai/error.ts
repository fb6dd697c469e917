import { ProblemError, publicMethods, type ProblemCode } from '@taai/contracts';

/** Where clients expect errors in OpenAI's shape. */
const paths = publicMethods
  .filter(({ method }) => method.openai)
  .map(({ method }) => method.http.replace(/^\w+ /, '').replace(/\/:.*$/, ''));

export function speaksOpenAi(url = ''): boolean {
  const [path = ''] = url.split('?', 1);
  return paths.some((known) => path === known || path.startsWith(`${known}/`));
}

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

/** A problem as `{"error":{…}}`. `param` is the first field at fault. */
export function openAiError({ code, status, message, extras }: ProblemError): string {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return JSON.stringify({
    error: { message, type, param: extras.errors?.[0]?.path ?? null, code: codes[code] ?? code },
  });
}
