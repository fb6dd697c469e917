/** JSON that PostgreSQL stores as `jsonb`, which knows neither NUL nor halves of surrogate pairs. */
export const storableJson = (value: unknown): string => JSON.stringify(value ?? null, storable);

/** Text that PostgreSQL stores. */
export const storableText = (text: string): string => text.replaceAll('\0', '').toWellFormed();

function storable(_: string, value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  if (names.every((name) => storableText(name) === name)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storableText(name), one as unknown]));
}
