/** Whether PostgreSQL can store the text. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** The text with U+FFFD for each character that PostgreSQL cannot store. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed();

/** JSON that PostgreSQL stores as `jsonb`, which knows neither NUL nor halves of surrogate pairs. */
export const storableJson = (value: unknown): string => JSON.stringify(value ?? null, replacer);

function replacer(_: string, value: unknown): unknown {
  if (typeof value === 'string') return storable(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  if (names.every((name) => storable(name) === name)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storable(name), one as unknown]));
}
