const SECRET = /passw|pwd|secret|token|api_?key|private_?key|credential|cipher|hash|salt|authorization|cookie/i;
/** Names of counts, like `max_output_tokens` and `tokens_per_minute`, which are no secrets. */
const COUNT = /tokens(_per_minute)?$/i;
/** Names of lists of names, like `secret_header_names`, which are no secrets. */
const NAMES = /_names$/i;
const URL_TEXT = /^https?:\/\/\S+$/i;

/** The longest text that is kept, in UTF-16 units. */
const MAX_TEXT = 4000;
/** The largest state that is kept, in bytes of JSON. */
const MAX_STATE = 16_384;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What the audit log may keep of an object, as JSON: without fields that are named like secrets, addresses without what may be a
 * credential in them, long texts cut, and instead of more than 16 KB a note. Doing it twice changes nothing more.
 */
export function auditedState(state: object): Record<string, unknown> {
  const kept = Object.fromEntries(publicFields(JSON.parse(JSON.stringify(state)) as { [key: string]: Json }));
  const bytes = Buffer.byteLength(JSON.stringify(kept));
  return bytes > MAX_STATE ? { note: `Left out: ${bytes} bytes.` } : kept;
}

const publicFields = (object: { [key: string]: Json }): [string, Json][] =>
  Object.entries(object)
    .filter(([key, value]) => !isSecret(key, value))
    .map(([key, value]) => [key, publicValue(value)]);

/** Tells whether a field is a secret. A boolean is none: `has_credentials` may be told. */
const isSecret = (key: string, value: Json) =>
  SECRET.test(key) &&
  !NAMES.test(key) &&
  value !== null &&
  typeof value !== 'boolean' &&
  !(typeof value === 'number' && COUNT.test(key));

function publicValue(value: Json): Json {
  if (typeof value === 'string') return cut(URL_TEXT.test(value) ? bareAddress(value) : value);
  if (Array.isArray(value)) return value.map(publicValue);
  return typeof value === 'object' && value !== null ? Object.fromEntries(publicFields(value)) : value;
}

/** Returns the address without user, password, query and fragment. */
function bareAddress(text: string): string {
  const url = URL.parse(text);
  return url ? url.origin + url.pathname : text;
}

const cut = (text: string) =>
  text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
