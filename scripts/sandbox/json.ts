export type Json = Record<string, unknown>;

/** Reading what a client sent: whatever is not of the kind asked for is empty. */
export const record = (value: unknown): Json => (isRecord(value) ? value : {});
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A limit that may be absent or null. */
export const limit = (value: unknown): number => (typeof value === 'number' ? value : Infinity);

/** The text of a message: a string, or a list of parts of which some are text. */
export const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) => record(part).text)
        .filter((part) => typeof part === 'string')
        .join(' ');

/** The object that this JSON is; an empty one when it is none, for formats that carry objects alone. */
export function parseObject(json: string): Json {
  try {
    return record(JSON.parse(json));
  } catch {
    return {};
  }
}

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null;
