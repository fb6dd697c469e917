import { Injectable } from '@nestjs/common';
import type { BuiltinToolConfig, HttpToolConfig, McpToolConfig, ToolExecution } from '@taai/contracts';
import { RlsPool, sql, ToolEntity, type Tx } from '@taai/entities';

/** Configs are checked before they are stored. */
type Kind =
  | { kind: 'builtin'; config: BuiltinToolConfig }
  | { kind: 'http'; config: HttpToolConfig }
  | { kind: 'mcp'; config: McpToolConfig };

export type ToolRow = Omit<ToolEntity, 'kind' | 'config' | 'secret_key_id'> & Kind;

/** What is written; the secret's three columns together. */
export type ToolColumns = Pick<
  ToolEntity,
  | 'name'
  | 'description'
  | 'kind'
  | 'config'
  | 'input_schema'
  | 'requires_approval'
  | 'is_active'
  | 'secret_header_names'
  | 'secret_ciphertext'
  | 'secret_key_id'
>;

const COLUMNS = `tenant_id, id, name, description, kind, config, input_schema, secret_ciphertext, secret_header_names,
  requires_approval, is_active, created_at, updated_at`;

const ACTIVE = sql(
  `select ${COLUMNS} from tools where name = any($1) and is_active order by array_position($1::text[], name)`,
);

const EXECUTIONS = sql(`
  select id, run_id, step, tool_call_id, tool_name, tool_id, arguments, status, result, error_code, error_detail, decided_by,
    decided_at, created_at, started_at, finished_at
  from tool_executions where tool_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`);

@Injectable()
export class ToolRepository {
  constructor(private readonly rls: RlsPool) {}

  async insert(tx: Tx, id: string, columns: Partial<ToolColumns>): Promise<void> {
    await tx.insert(ToolEntity, { ...columns, id, tenant_id: tx.tenant_id });
  }

  async find(tx: Tx, id: string): Promise<ToolRow | undefined> {
    const [tool] = await tx.query<ToolRow[]>(`select ${COLUMNS} from tools where id = $1`, [id]);
    return tool;
  }

  /** The tool, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<ToolRow | undefined> {
    const [tool] = await tx.query<ToolRow[]>(`select ${COLUMNS} from tools where id = $1 for update`, [id]);
    return tool;
  }

  /** Newest first. */
  page(tx: Tx, after: string | undefined, limit: number): Promise<ToolRow[]> {
    return tx.query<ToolRow[]>(
      `select ${COLUMNS} from tools where $1::uuid is null or id < $1 order by id desc limit $2`,
      [after ?? null, limit],
    );
  }

  async update(tx: Tx, id: string, columns: Partial<ToolColumns>): Promise<void> {
    await tx.update(ToolEntity, { id }, { ...columns, updated_at: () => 'now()' });
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.delete(ToolEntity, { id });
  }

  /** Whether an agent names the tool. */
  async isUsed(tx: Tx, name: string): Promise<boolean> {
    const sql = 'select exists (select from agents where $1 = any(tools)) as is_used';
    const [{ is_used }] = await tx.query<[{ is_used: boolean }]>(sql, [name]);
    return is_used;
  }

  /** The caller's tenant's, in the order of the names. */
  active(names: readonly string[]): Promise<ToolRow[]> {
    return this.rls.read<ToolRow>(ACTIVE, [names]);
  }

  /** Newest first. */
  executions(tx: Tx, tool_id: string, after: string | undefined, limit: number): Promise<ToolExecution[]> {
    return tx.query<ToolExecution[]>(EXECUTIONS, [tool_id, after ?? null, limit]);
  }
}
