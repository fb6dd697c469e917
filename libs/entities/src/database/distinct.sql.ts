interface Distinct {
  /** The table, with its schema where functions need it. */
  from: string;
  column: string;
  /** A condition on a row `r`, which a partial index that begins with the column has as its own. */
  where: string;
  /** The index's other columns, which no other index has: the planner might take that one, and walk over rows that do not match. */
  then: string;
}

/**
 * Returns the definition of a recursive CTE `name`: the different values of a column in their order, and a null behind the last. Each
 * takes one look into an index, however many rows have it, and none is looked for that is not asked for.
 */
export function distinctSql(name: string, { from, column, where, then }: Distinct, after?: string): string {
  const next = (value: string | undefined) => `
    (select r.${column} from ${from} r where ${where}${value ? ` and r.${column} > ${value}` : ''}
     order by r.${column}, ${then} limit 1)`;
  return `${name} (${column}) as (
    select ${next(after)}
    union all
    select ${next(`${name}.${column}`)} from ${name} where ${name}.${column} is not null
  )`;
}
