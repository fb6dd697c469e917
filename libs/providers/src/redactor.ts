/**
 * Characters of the shortest text that is taken for a secret. Keys and tokens have 20 and more; what is shorter stands in ordinary
 * words: a key `x` would turn `exist` into `e[secret]ist`, and show by the holes what it is.
 */
const MIN_LENGTH = 8;

/** Puts `[secret]` for each of `secrets`, and for the parts of those that have several (`Bearer …`), as they are and as JSON writes them. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/)]);
  const long = parts.filter(({ length }) => length >= MIN_LENGTH);
  const needles = [...new Set(long.flatMap((part) => [part, JSON.stringify(part).slice(1, -1)]))];
  needles.sort((a, b) => b.length - a.length);
  return (text) => needles.reduce((shown, needle) => shown.replaceAll(needle, '[secret]'), text);
}
