import { sql } from './statement';

type Conditions<F> = { readonly [K in keyof F]-?: (value: string) => string };

/**
 * Declares a list that may be narrowed by any of `conditions`, each of which is written around its parameter. `select` ends within
 * its WHERE clause, and `order` takes the limit as $1. Returns a function that gives the text and the parameters for some filters.
 */
export function filtered<F extends object>(select: string, conditions: Conditions<F>, order: string) {
  const names = Object.keys(conditions) as (keyof F & string)[];
  const textOf = (asked: readonly (keyof F & string)[]) =>
    [select, ...asked.map((name, index) => `and ${conditions[name](`$${index + 2}`)}`), order].join(' ');
  for (const asked of [[], ...names.map((name) => [name]), names]) sql(textOf(asked));
  // A text that was made before is found by its facts without being hashed letter by letter.
  const texts = new Map<string, string>();
  return (filters: F, limit: number): [text: string, params: unknown[]] => {
    const asked = names.filter((name) => filters[name] !== undefined);
    const key = asked.join();
    const text = texts.get(key) ?? textOf(asked);
    texts.set(key, text);
    return [text, [limit, ...asked.map((name) => filters[name])]];
  };
}
