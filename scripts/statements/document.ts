import type { Declared } from './declared.ts';

/** A statement with the shape of its plan. */
export interface Planned extends Declared {
  plan: string[];
}

const HEAD = `# Statements

Every statement that the fleet declares by \`sql\`, \`Rows\` or \`filtered\`, and the shape of its plan: made by \`npm run statements\`, compared by
\`npm run statements -- --check\`. The plans are those of the services' roles, with their policies, for any parameters, on empty tables,
where an index is used for each search and each order that has one: a \`Seq Scan\` or \`Sort\` here is one that no index could spare. Of
several indexes that would do, an empty table tells nothing. A list that can be narrowed stands without filters, with each, and with all.`;

/** The same statement of the same file is listed once. */
export function documentOf(statements: readonly Planned[]): string {
  const byOwner = Object.entries(Object.groupBy(statements, ({ owner }) => owner)).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${[HEAD, ...byOwner.flatMap(([owner, own = []]) => [`## ${owner}`, ...distinct(own).map(sectionOf)])].join('\n\n')}\n`;
}

const distinct = (statements: readonly Planned[]) => [...new Map(statements.map((one) => [one.text, one])).values()];

const sectionOf = ({ text, plan }: Planned) =>
  `\`\`\`sql\n${dedented(text)}\n\`\`\`\n\n\`\`\`text\n${plan.join('\n')}\n\`\`\``;

/** Without the indentation that its lines have in common, the first of them apart. */
function dedented(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const depths = rest.filter((line) => line.trim()).map((line) => line.search(/\S/));
  const depth = depths.length > 0 ? Math.min(...depths) : 0;
  return [first, ...rest.map((line) => line.slice(depth))].map((line) => line.trimEnd()).join('\n');
}
