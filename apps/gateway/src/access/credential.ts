import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '@taai/contracts';
import { hashOfApiKey, looksLikeApiKey } from '@taai/platform';

/** What a request proves its sender with. Of an API key no more than its hash is kept. */
export type Credential = { kind: 'token'; token: string } | { kind: 'api_key'; key_hash: string };

/**
 * The one credential of a request, from `Authorization: Bearer` or `x-api-key`. An API key that is mistyped or made up fails here,
 * by its checksum, without a question to anybody. Throws `unauthenticated`.
 */
export function credentialOf(headers: IncomingHttpHeaders): Credential {
  const { authorization, 'x-api-key': key } = headers;
  if (authorization !== undefined && key !== undefined) throw refused('Send Authorization or x-api-key, not both.');
  if (typeof key === 'string') return apiKey(key);
  const bearer = bearerOf(authorization);
  return looksLikeApiKey(bearer) ? apiKey(bearer) : { kind: 'token', token: bearer };
}

const BEARER = 'bearer ';

function bearerOf(authorization = ''): string {
  const [scheme, text] = [authorization.slice(0, BEARER.length), authorization.slice(BEARER.length)];
  if (scheme.toLowerCase() !== BEARER || text === '' || text.includes(' ')) throw refused();
  return text;
}

function apiKey(text: string): Credential {
  const key_hash = hashOfApiKey(text);
  if (!key_hash) throw refused('This is no API key.');
  return { kind: 'api_key', key_hash };
}

const refused = (detail?: string) => new ProblemError('unauthenticated', detail);
