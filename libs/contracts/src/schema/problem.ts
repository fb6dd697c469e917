import { limits } from './limits';

/** Every error that a client can meet: its stable code, HTTP status and title. The detail is written where the error is thrown. */
export const problems = {
  malformed_request: { status: 400, title: 'The request could not be read' },
  validation_failed: { status: 400, title: 'The request has invalid fields' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  invalid_token: { status: 400, title: 'The link is not valid any more' },
  unauthenticated: { status: 401, title: 'A valid access token is required' },
  invalid_credentials: { status: 401, title: 'E-mail or password is wrong' },
  invalid_refresh_token: { status: 401, title: 'The refresh token is not valid any more' },
  forbidden: { status: 403, title: 'The caller lacks a permission' },
  tenant_suspended: { status: 403, title: 'The tenant is suspended' },
  https_required: { status: 403, title: 'The API is served over HTTPS alone' },
  not_found: { status: 404, title: 'There is no such resource' },
  unknown_model: { status: 404, title: 'There is no such model' },
  method_not_allowed: { status: 405, title: 'The resource has no such method' },
  slow_reader: { status: 408, title: 'The client does not read what it is sent' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  email_taken: { status: 409, title: 'The e-mail address is in use' },
  last_admin: { status: 409, title: 'A tenant needs an active admin' },
  conflict: { status: 409, title: 'The resource is in another state' },
  turn_in_progress: { status: 409, title: 'The message before is still being answered' },
  slug_taken: { status: 409, title: 'The name is in use' },
  idempotency_in_flight: { status: 409, title: 'A request with this Idempotency-Key is still being answered' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key was used for another request' },
  too_many_turns: { status: 429, title: 'As many messages of the conversation wait for their turn as may' },
  too_many_runs: { status: 429, title: 'The tenant has as many active runs as its plan allows' },
  too_many_streams: { status: 429, title: 'The tenant has as much open at once as its plan allows' },
  too_many_requests_in_flight: { status: 429, title: 'The tenant has as many requests in flight as its plan allows' },
  rate_limited: { status: 429, title: 'Too many attempts' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  storage_full: { status: 413, title: 'The tenant keeps as much as its plan allows' },
  uri_too_long: { status: 414, title: 'The URL is too long' },
  unsupported_media_type: { status: 415, title: 'The body is of another type than the route takes' },
  headers_too_large: { status: 431, title: 'The headers are too large or too many' },
  url_not_allowed: { status: 422, title: 'The address is not a public one' },
  attachment_unreachable: { status: 422, title: 'The file that a link leads to could not be fetched' },
  agent_not_ready: { status: 422, title: 'The agent has no provider that could answer' },
  context_length_exceeded: { status: 400, title: 'The request is longer than the model can read' },
  content_filter: { status: 400, title: "The provider's filter refused the request" },
  provider_refused: { status: 400, title: 'The provider refused the request' },
  provider_auth: { status: 502, title: 'The provider refused its credentials' },
  provider_overloaded: { status: 503, title: 'The provider has too much to do' },
  provider_unavailable: { status: 503, title: 'The provider gave no answer that could be read' },
  provider_timeout: { status: 504, title: 'The provider took too long' },
  cancelled: { status: 499, title: 'The caller has left' },
  model_unpriced: { status: 422, title: 'No price is known for the model, and its provider refuses such models' },
  provider_not_ready: { status: 422, title: 'The provider cannot be called' },
  internal: { status: 500, title: 'Something failed on our side' },
  unknown_method: { status: 501, title: 'No replica knows this method' },
  provider_failed: { status: 502, title: 'The provider did not answer as it should' },
  overloaded: { status: 503, title: 'The service has more work than it can queue' },
  service_unavailable: { status: 503, title: 'The service does not answer' },
  outcome_unknown: { status: 503, title: 'Whether the request was executed is not known' },
  replica_lost: { status: 503, title: 'The replica that worked on the request is gone' },
  stream_broken: { status: 503, title: 'A part of the answer was lost on its way' },
  deadline_exceeded: { status: 504, title: 'The request took longer than its deadline' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

const UNAVAILABLE = 503;
/** The same request may fare better a little later: answers with these statuses say when. */
const passingStatuses = new Set<number>([429, UNAVAILABLE, 504]);
/** Seconds, where nobody knows better. */
const RETRY_AFTER = 1;

const isProblemCode = (value: unknown): value is ProblemCode =>
  typeof value === 'string' && Object.hasOwn(problems, value);

/** One offending field: its path in the input (`fallbacks.0.model`) and what is wrong with it. */
export interface FieldError {
  path: string;
  message: string;
}

export interface ProblemExtras {
  errors?: FieldError[];
  /** Seconds until a retry makes sense, where they are known. */
  retry_after?: number;
}

/** The error that crosses every border: thrown by a rule, carried over RPC, answered as RFC 9457 problem+json. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ProblemCode,
    detail?: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail ?? problems[code].title);
  }

  get status(): number {
    return problems[this.code].status;
  }

  /** Whole seconds for `Retry-After`; every 429, 503 and 504 has some. */
  get retry_after(): number | undefined {
    const seconds = this.extras.retry_after ?? (passingStatuses.has(this.status) ? RETRY_AFTER : undefined);
    return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
  }

  toJSON() {
    return { code: this.code, detail: this.message, ...this.extras };
  }

  /** Reads what `toJSON` wrote in another process; anything else becomes `internal`. */
  static fromJSON(value: unknown): ProblemError {
    if (typeof value !== 'object' || value === null || !('code' in value) || !isProblemCode(value.code)) {
      return new ProblemError('internal');
    }
    const { errors, retry_after, detail } = value as ProblemExtras & { detail?: unknown };
    return new ProblemError(value.code, typeof detail === 'string' ? detail : undefined, {
      ...(errors && { errors }),
      ...(retry_after !== undefined && { retry_after }),
    });
  }
}

/** Tells whether the error is of something that does not answer now, and may again: a service, the database, Redis. */
export const isUnavailable = (error: unknown): boolean => error instanceof ProblemError && error.status === UNAVAILABLE;

/** Wraps what a dependency failed with, which logs show and clients do not. */
export function unavailableBy(
  cause: unknown,
  detail: string,
  code: 'service_unavailable' | 'outcome_unknown' = 'service_unavailable',
): ProblemError {
  return Object.assign(new ProblemError(code, detail), { cause });
}

/** The answer for an id that is absent, and, word for word, for one of another tenant. */
export const notFound = (noun: string) => new ProblemError('not_found', `There is no such ${noun}.`);

/** `value` if there is one. Throws `not_found`. */
export function found<T>(noun: string, value: T | undefined): T {
  if (value === undefined) throw notFound(noun);
  return value;
}

const cut = (text: string, length: number) =>
  text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text;

/**
 * The answer for fields that the rules refuse. Each message goes on from its path: `title` `must be a string`. However many and however
 * long they are, the answer tells of the first ones, and of as much as a person reads.
 */
export function invalidFields(faults: readonly FieldError[]): ProblemError {
  const errors = faults.slice(0, limits.fieldErrors).map(({ path, message }) => ({
    path: cut(path, limits.fieldPathCharacters),
    message: cut(message, limits.fieldMessageCharacters),
  }));
  const told = errors.map(({ path, message }) => `${path} ${message}`.trim());
  const more = faults.length > errors.length ? ['… and more'] : [];
  return new ProblemError('validation_failed', [...told, ...more].join('; '), { errors });
}

/** The answer for a field that the rules refuse. */
export const invalidField = (path: string, message: string) => invalidFields([{ path, message }]);
