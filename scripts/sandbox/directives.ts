/**
 * What steers one answer, for tests: `[[tokens=50 delay=20]]` in the last user message or in the model's name.
 *
 * - `tokens=N`: the answer has N words
 * - `delay=MS`: before each word, 15 by default
 * - `fail=STATUS`: an HTTP error instead of an answer, with `retry_after=SECONDS` as its header
 * - `cut=N`: the socket is destroyed after N words
 * - `hang` or `hang=N`: nothing more comes after N words; the connection stays open
 */
export interface Directives {
  tokens?: number;
  delay: number;
  fail?: number;
  retry_after?: number;
  cut?: number;
  hang?: number;
}

const DEFAULTS: Directives = { delay: 15 };
const BLOCK = /\[\[([^\]]*)\]\]/g;

const limits: Record<keyof Directives, [least: number, most: number]> = {
  tokens: [1, 100_000],
  delay: [0, 60_000],
  fail: [400, 599],
  retry_after: [0, 86_400],
  cut: [0, 100_000],
  hang: [0, 100_000],
};

/**
 * Later blocks win.
 *
 * @throws RangeError for a directive that does not exist or a value out of bounds
 */
export function readDirectives(...texts: string[]): Directives {
  const directives = { ...DEFAULTS };
  for (const word of texts.flatMap(blocks)) {
    const [name = '', value = '0'] = word.split('=');
    if (!isDirective(name)) throw new RangeError(`There is no directive "${name}".`);
    const [least, most] = limits[name];
    if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
      throw new RangeError(`The directive ${name} takes a whole number from ${least} to ${most}.`);
    directives[name] = Number(value);
  }
  return directives;
}

export const withoutDirectives = (text: string): string => text.replaceAll(BLOCK, '').trim();

const blocks = (text: string): string[] => [...text.matchAll(BLOCK)].flatMap(([, inner]) => words(inner ?? ''));

/** The sandbox's tokens: whatever stands between white space. */
export const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

const isDirective = (name: string): name is keyof Directives => Object.hasOwn(limits, name);
