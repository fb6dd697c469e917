import { limits } from '@taai/contracts';

/** JSON with each of its texts changed, keys included. Throws RangeError for what is nested deeper than 32 levels. */
export function mapTexts(value: unknown, change: (text: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= limits.jsonLevels) throw new RangeError(`It is nested deeper than ${limits.jsonLevels} levels.`);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [change(key), mapTexts(child, change, depth + 1)]),
  );
}

/** Whether PostgreSQL can store it. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed();

export const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text;

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
