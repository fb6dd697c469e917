import { Injectable } from '@nestjs/common';
import type { BuiltinToolConfig, HttpToolConfig, McpToolConfig, ToolExecution } from '@taai/contracts';
import { filtered, RlsPool, Rows, sql, ToolEntity, type Tx } from '@taai/entities';
import { isSeen } from '../access/run-access.repository';

/** Configs are checked before they are stored. */
type Kind =
  | { kind: 'builtin'; config: BuiltinToolConfig }
  | { kind: 'http'; config: HttpToolConfig }
  | { kind: 'mcp'; config: McpToolConfig };

const columns = [
  'tenant_id',
  'id',
  'name',
  'description',
  'kind',
  'config',
  'input_schema',
  'secret_ciphertext',
  'secret_header_names',
  'requires_approval',
  'separate_approver',
  'is_active',
  'created_at',
  'updated_at',
] as const;

const ROWS = new Rows(ToolEntity, columns);

/** A tool as its row has it. */
export type StoredTool = Pick<ToolEntity, (typeof columns)[number]>;

export type ToolRow = Omit<StoredTool, 'kind' | 'config'> & Kind;

const ACTIVE = sql(
  `select ${columns.join(', ')} from tools where name = any($1) and is_active order by array_position($1::text[], name)`,
);

const REMOVE = sql('delete from tools where id = $1');
const IS_USED = sql('select exists (select from agents where $1 = any(tools)) as is_used');

const EXECUTION = `id, run_id, step, tool_call_id, tool_name, tool_id, arguments, status, result, error_code, error_detail,
  separate_approver, decided_by, decided_at, created_at, started_at, finished_at`;

const executions = filtered<{ tool_id: string; after?: string; seen_by?: string }>(
  `select ${EXECUTION} from tool_executions e where true`,
  {
    tool_id: (id) => `tool_id = ${id}`,
    after: (id) => `id < ${id}`,
    seen_by: (user) => `exists (select from agent_runs r where r.id = e.run_id and ${isSeen('r', user)})`,
  },
  'order by id desc limit $1',
);

@Injectable()
export class ToolRepository {
  /** The ordinary statements. */
  readonly rows = ROWS;

  constructor(private readonly rls: RlsPool) {}

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.write(REMOVE, [id]);
  }

  /** Whether an agent names the tool. */
  async isUsed(tx: Tx, name: string): Promise<boolean> {
    const [row] = await tx.read<{ is_used: boolean }>(IS_USED, [name]);
    return row?.is_used === true;
  }

  /** The caller's tenant's, in the order of the names. */
  active(names: readonly string[]): Promise<ToolRow[]> {
    return this.rls.read<ToolRow>(ACTIVE, [names]);
  }

  /** Newest first. */
  executions(filters: Parameters<typeof executions>[0], limit: number): Promise<ToolExecution[]> {
    return this.rls.read<ToolExecution>(...executions(filters, limit));
  }
}
