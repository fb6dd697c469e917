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
import { audit, idAfter, toFittingPage, withTenant, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { builtins } from './builtin/registry';
import { ToolConnector } from './tool-connector';
import { addressOf, assertTool, type ToolDraft } from './tool-rules';
import { ToolRepository, type ToolColumns, type ToolRow } from './tool.repository';
import { explain } from '../violations';

const taken = { tools_name_key: () => new ProblemError('slug_taken', 'Another tool has this name.') };

type SecretColumns = Pick<ToolColumns, 'secret_header_names' | 'secret_ciphertext' | 'secret_key_id'>;
const noSecrets: SecretColumns = { secret_header_names: [], secret_ciphertext: null, secret_key_id: null };

@Injectable()
export class ToolService {
  constructor(
    private readonly db: DataSource,
    private readonly tools: ToolRepository,
    private readonly connector: ToolConnector,
  ) {}

  async create(input: CreateTool): Promise<Tool> {
    const { secret_headers, description = '', config = {}, input_schema, ...fields } = input;
    this.vet({ ...input, config });
    return withTenant(this.db, async (tx) => {
      const id = v7();
      const columns = { ...fields, description, config, input_schema: input_schema ?? {} };
      await explain(this.tools.insert(tx, id, { ...columns, ...this.seal(tx, id, secret_headers) }), taken);
      const after = shown(found('tool', await this.tools.find(tx, id)));
      await audit(tx, { action: 'tool.created', target: { type: 'tool', id }, after });
      return after;
    });
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Tool>> {
    const after = idAfter(cursor);
    const rows = await withTenant(this.db, (tx) => this.tools.page(tx, after, limit + 1));
    return toFittingPage(rows.map(shown), limit);
  }

  async get(id: string): Promise<Tool> {
    return shown(found('tool', await withTenant(this.db, (tx) => this.tools.find(tx, id))));
  }

  /** Another origin must not be sent the secret headers that were stored for this one: they are dropped, unless new ones come along. */
  async update({ id, secret_headers, ...fields }: UpdateTool): Promise<Tool> {
    return withTenant(this.db, async (tx) => {
      const before = found('tool', await this.tools.lock(tx, id));
      this.vetChange(before, { ...fields, secret_headers });
      if (fields.name !== undefined && fields.name !== before.name) await this.assertUnused(tx, before);
      const moves = fields.config !== undefined && originOf(fields) !== originOf(before);
      const secrets = moves || secret_headers !== undefined ? this.seal(tx, id, secret_headers) : {};
      await explain(this.tools.update(tx, id, { ...fields, ...secrets }), taken);
      const after = found('tool', await this.tools.find(tx, id));
      await auditTool(tx, before, after);
      return shown(after);
    });
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const before = found('tool', await this.tools.lock(tx, id));
      await this.assertUnused(tx, before);
      await this.tools.remove(tx, id);
      await audit(tx, { action: 'tool.deleted', target: { type: 'tool', id }, before: shown(before) });
    });
  }

  async executions({ id, limit, cursor }: PageById): Promise<PageOf<ToolExecution>> {
    const after = idAfter(cursor);
    const rows = await withTenant(this.db, async (tx) => {
      found('tool', await this.tools.find(tx, id));
      return this.tools.executions(tx, id, after, limit + 1);
    });
    return toFittingPage(rows, limit);
  }

  private vet(draft: ToolDraft): void {
    assertTool(draft);
    const address = addressOf(draft);
    if (address !== undefined) this.connector.vet(address);
  }

  /** Of what stays nothing is looked at again, so that a tool can be deactivated whatever became of the rules. */
  private vetChange({ kind, description, config, input_schema }: ToolRow, change: Omit<UpdateTool, 'id'>): void {
    const shape = [change.config, change.input_schema, change.description, change.secret_headers];
    if (shape.every((field) => field === undefined)) return;
    const stored = { kind, description, config: { ...config }, ...(kind === 'http' && { input_schema }) };
    this.vet({ ...stored, ...change });
  }

  private seal(tx: Tx, id: string, headers: Record<string, string> | null = null): SecretColumns {
    const secret_header_names = Object.keys(headers ?? {});
    if (!headers || secret_header_names.length === 0) return noSecrets;
    const { ciphertext, key_id } = this.connector.seal({ tenant_id: tx.tenant_id, id }, headers);
    return { secret_header_names, secret_ciphertext: ciphertext, secret_key_id: key_id };
  }

  private async assertUnused(tx: Tx, { name }: ToolRow): Promise<void> {
    if (await this.tools.isUsed(tx, name))
      throw new ProblemError('conflict', 'Agents use this tool: take it from them first.');
  }
}

/** Scheme, host and port; undefined for tools without a server. */
function originOf(tool: { config?: object }): string | undefined {
  const address = addressOf({ config: { ...tool.config } });
  return address === undefined ? undefined : new URL(address).origin;
}

/** A builtin's description and schema are those of this release. */
function shown({ secret_ciphertext: _, tenant_id: __, ...row }: ToolRow): Tool {
  const config = { ...row.config };
  const builtin = row.kind === 'builtin' ? builtins.get(row.config.builtin) : undefined;
  if (!builtin) return { ...row, config };
  return { ...row, config, description: row.description || builtin.description, input_schema: builtin.input_schema };
}

/** Secrets that were replaced show in no field: the entry says that they were. */
const auditTool = (tx: Tx, before: ToolRow, after: ToolRow): Promise<void> =>
  audit(tx, {
    action: 'tool.updated',
    target: { type: 'tool', id: after.id },
    before: { ...shown(before), has_new_secrets: false },
    after: { ...shown(after), has_new_secrets: before.secret_ciphertext !== after.secret_ciphertext },
  });
