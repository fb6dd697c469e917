import { Injectable } from '@nestjs/common';
import {
  found,
  ProblemError,
  type CreateTool,
  type PageById,
  type PageOf,
  type PageQuery,
  type Tool,
  type ToolExecution,
  type UpdateTool,
} from '@taai/contracts';
import { audit, idAfter, RlsPool, toFittingPage, withTenant, type ToolEntity, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { builtins } from './builtin/registry';
import { ToolConnector } from './tool-connector';
import { addressOf, assertTool, type ToolDraft } from './tool-rules';
import { ToolRepository, type StoredTool } from './tool.repository';
import { explainViolation } from '../explain-violation';
import { RunAccess } from '../access/run-access';

const taken = { tools_name_key: () => new ProblemError('slug_taken', 'Another tool has this name.') };

type SecretColumns = Pick<ToolEntity, 'secret_header_names' | 'secret_ciphertext' | 'secret_key_id'>;
const noSecrets: SecretColumns = { secret_header_names: [], secret_ciphertext: null, secret_key_id: null };

@Injectable()
export class ToolService {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly tools: ToolRepository,
    private readonly connector: ToolConnector,
    private readonly access: RunAccess,
  ) {}

  async create(input: CreateTool): Promise<Tool> {
    const { secret_headers, description = '', config = {}, input_schema, ...fields } = input;
    await this.vet({ ...input, config });
    return withTenant(this.db, async (tx) => {
      const id = v7();
      const columns = { ...fields, description, config, input_schema: input_schema ?? {} };
      const secrets = this.seal(tx, id, secret_headers);
      const after = shown(await explainViolation(this.tools.rows.insert(tx, { ...columns, ...secrets, id }), taken));
      await audit(tx, { action: 'tool.created', target: { type: 'tool', id }, after });
      return after;
    });
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Tool>> {
    const rows = await this.tools.rows.page(this.rls, idAfter(cursor), limit + 1);
    return toFittingPage(rows.map(shown), limit);
  }

  async get(id: string): Promise<Tool> {
    return shown(found('tool', await this.tools.rows.find(this.rls, { id })));
  }

  /** Another origin must not be sent the secret headers that were stored for this one: they are dropped, unless new ones come along. */
  async update({ id, secret_headers, ...fields }: UpdateTool): Promise<Tool> {
    return withTenant(this.db, async (tx) => {
      const before = found('tool', await this.tools.rows.lock(tx, { id }));
      await this.vetChange(before, { ...fields, secret_headers });
      if (fields.name !== undefined && fields.name !== before.name) await this.assertUnused(tx, before);
      const moves = fields.config !== undefined && originOf(fields) !== originOf(before);
      const secrets = moves || secret_headers !== undefined ? this.seal(tx, id, secret_headers) : {};
      const change = this.tools.rows.update(tx, { id }, { ...fields, ...secrets });
      const after = found('tool', await explainViolation(change, taken));
      await auditTool(tx, before, after);
      return shown(after);
    });
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const before = found('tool', await this.tools.rows.lock(tx, { id }));
      await this.assertUnused(tx, before);
      await this.tools.remove(tx, id);
      await audit(tx, { action: 'tool.deleted', target: { type: 'tool', id }, before: shown(before) });
    });
  }

  async executions({ id, limit, cursor }: PageById): Promise<PageOf<ToolExecution>> {
    const after = idAfter(cursor);
    found('tool', await this.tools.rows.find(this.rls, { id }));
    const seen_by = this.access.scope();
    const filters = { tool_id: id, ...(after && { after }), ...(seen_by && { seen_by }) };
    const page = toFittingPage(await this.tools.executions(filters, limit + 1), limit);
    if (!seen_by) await this.access.auditList(page.data.map(({ run_id }) => run_id));
    return page;
  }

  private async vet(draft: ToolDraft): Promise<void> {
    await assertTool(draft);
    const address = addressOf(draft);
    if (address !== undefined) this.connector.vet(address);
  }

  /** Checks a change of what the tool does, and no other, so that a tool can be deactivated whatever became of the rules. */
  private async vetChange(
    { kind, description, config, input_schema }: StoredTool,
    change: Omit<UpdateTool, 'id'>,
  ): Promise<void> {
    const shape = [change.config, change.input_schema, change.description, change.secret_headers];
    if (shape.every((field) => field === undefined)) return;
    const stored = { kind, description, config, ...(kind === 'http' && { input_schema }) };
    await this.vet({ ...stored, ...change });
  }

  private seal(tx: Tx, id: string, headers: Record<string, string> | null = null): SecretColumns {
    const secret_header_names = Object.keys(headers ?? {});
    if (!headers || secret_header_names.length === 0) return noSecrets;
    const { ciphertext, key_id } = this.connector.seal({ tenant_id: tx.tenant_id, id }, headers);
    return { secret_header_names, secret_ciphertext: ciphertext, secret_key_id: key_id };
  }

  private async assertUnused(tx: Tx, { name }: StoredTool): Promise<void> {
    if (await this.tools.isUsed(tx, name))
      throw new ProblemError('conflict', 'Agents use this tool: take it from them first.');
  }
}

/** Scheme, host and port; undefined for tools without a server. */
function originOf(tool: { config?: object }): string | undefined {
  const address = addressOf({ config: { ...tool.config } });
  return address === undefined ? undefined : new URL(address).origin;
}

/** The tool as clients see it. A builtin's description and schema are those of this release. */
function shown({ secret_ciphertext: _, tenant_id: __, ...row }: StoredTool): Tool {
  const { builtin: name } = row.config;
  const builtin = row.kind === 'builtin' && typeof name === 'string' ? builtins.get(name) : undefined;
  if (!builtin) return row;
  return { ...row, description: row.description || builtin.description, input_schema: builtin.input_schema };
}

/** Secrets that were replaced show in no field: the entry says that they were. */
const auditTool = (tx: Tx, before: StoredTool, after: StoredTool): Promise<void> =>
  audit(tx, {
    action: 'tool.updated',
    target: { type: 'tool', id: after.id },
    before: { ...shown(before), has_new_secrets: false },
    after: { ...shown(after), has_new_secrets: before.secret_ciphertext !== after.secret_ciphertext },
  });
