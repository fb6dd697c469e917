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
