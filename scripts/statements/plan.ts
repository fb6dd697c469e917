import pg from 'pg';
import { databaseServices, type DatabaseService } from '../../libs/contracts/src/contract.ts';
import type { Declared } from './declared.ts';

/** As EXPLAIN tells it in JSON. */
interface PlanNode {
  'Node Type': string;
  'Parent Relationship'?: string;
  'Scan Direction'?: string;
  'Index Name'?: string;
  'Relation Name'?: string;
  'Function Name'?: string;
  'CTE Name'?: string;
  'Subplan Name'?: string;
  Plans?: PlanNode[];
}

const NOT_PERMITTED = '42501';

/** Looks at plans as the services' own roles, whose policies are part of them, on empty tables, where an index is used if there is one. */
export class Planner {
  private readonly clients = new Map<DatabaseService, pg.Client>();
  private readonly urls: Record<DatabaseService, string>;

  constructor(urls: Record<DatabaseService, string>) {
    this.urls = urls;
  }

  /** The shape of the statement's plan: one line for each node, deeper ones indented. */
  async shapeOf({ owner, text }: Declared): Promise<string[]> {
    const services = databaseServices.filter((name) => owner.startsWith(`apps/${name}/`));
    for (const service of services.length > 0 ? services : databaseServices) {
      const plan = await this.explain(service, text);
      if (plan) return linesOf(plan);
    }
    return ['Not granted: nobody executes it.'];
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) await client.end();
  }

  /** Undefined when the service may not execute it. */
  private async explain(service: DatabaseService, text: string): Promise<PlanNode | undefined> {
    const client = await this.connect(service);
    try {
      type Row = { 'QUERY PLAN': [{ Plan: PlanNode }] };
      const { rows } = await client.query<Row>(`explain (generic_plan, format json) ${text}`);
      return rows[0]?.['QUERY PLAN'][0].Plan;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === NOT_PERMITTED) return undefined;
      throw new Error(`This cannot be planned: ${text}`, { cause: error });
    }
  }

  private async connect(service: DatabaseService): Promise<pg.Client> {
    const known = this.clients.get(service);
    if (known) return known;
    const client = new pg.Client({ connectionString: this.urls[service] });
    this.clients.set(service, client);
    await client.connect();
    await client.query('set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off');
    return client;
  }
}

/** Months come and go, and each partition is read alike. */
const withoutMonth = (name: string) => name.replace(/_\d{4}_\d{2}/g, '_<month>');

function linesOf(plan: PlanNode, depth = 0): string[] {
  const children = (plan.Plans ?? [])
    .filter((child) => !isTenant(child))
    .flatMap((child) => [linesOf(child, depth + 1)]);
  const distinct = new Map(children.map((lines) => [lines.join('\n'), lines]));
  return [`${'  '.repeat(depth)}${withoutMonth(titleOf(plan))}`, ...[...distinct.values()].flat()];
}

/** Every policy looks up the tenant of the transaction, once: that tells nothing of a statement. */
const isTenant = (node: PlanNode) =>
  node['Parent Relationship'] === 'InitPlan' &&
  node['Node Type'] === 'Result' &&
  !node.Plans &&
  !node['Subplan Name']?.startsWith('CTE');

function titleOf(node: PlanNode): string {
  const backward = node['Scan Direction'] === 'Backward' ? ' Backward' : '';
  const index = node['Index Name'] && ` using ${node['Index Name']}`;
  const source = node['Relation Name'] ?? node['Function Name'] ?? node['CTE Name'];
  const name = node['Subplan Name']?.startsWith('CTE ') && `${node['Subplan Name']}: `;
  return `${name || ''}${node['Node Type']}${backward}${index ?? ''}${source ? ` on ${source}` : ''}`;
}
