import { sql } from './statement';

type Conditions<F> = { readonly [K in keyof F]-?: (value: string) => string };

/**
 * A list that may be narrowed by any of `conditions`, each written around its parameter: one statement for each set of filters
 * that is asked for. `select` ends within its WHERE, `order` takes the limit as $1. Answers text and parameters.
 */
export function filtered<F extends object>(select: string, conditions: Conditions<F>, order: string) {
  const names = Object.keys(conditions) as (keyof F & string)[];
  const textOf = (asked: readonly (keyof F & string)[]) =>
    [select, ...asked.map((name, index) => `and ${conditions[name](`$${index + 2}`)}`), order].join(' ');
  for (const asked of [[], ...names.map((name) => [name]), names]) sql(textOf(asked));
  return (filters: F, limit: number): [text: string, params: unknown[]] => {
    const asked = names.filter((name) => filters[name] !== undefined);
    return [textOf(asked), [limit, ...asked.map((name) => filters[name])]];
  };
}
