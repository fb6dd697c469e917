import { Injectable } from '@nestjs/common';
import type { HttpToolConfig, McpToolConfig } from '@taai/contracts';
import { log, RpcClient } from '@taai/platform';
import { builtins } from './builtin/registry';
import { TaskAccess } from './builtin/task-access';
import { callHttp, isRepeatable } from './http/http-tool';
import { ToolFailure, type LoadedTool } from './loaded-tool';
import { callMcp, combinedName } from './mcp/mcp-tool';
import { McpToolLists } from './mcp/mcp-tool-lists';
import { ToolConnector } from './tool-connector';
import { settle } from './tool-result';
import { ToolRepository, type ToolRow } from './tool.repository';

export { argumentsOf } from './tool-arguments';
export { ToolFailure, type LoadedTool, type ToolContext } from './loaded-tool';

type RowOf<Config> = Omit<ToolRow, 'config' | 'kind'> & { config: Config };

/** What the execution of runs needs of the box. */
export type ToolLoader = Pick<ToolBox, 'load'>;

/** The tools of the caller's tenant. */
@Injectable()
export class ToolBox {
  private readonly services: { tasks: TaskAccess };

  constructor(
    private readonly tools: ToolRepository,
    private readonly connector: ToolConnector,
    private readonly lists: McpToolLists,
    rpc: RpcClient,
  ) {
    this.services = { tasks: new TaskAccess(rpc) };
  }

  /**
   * Loads the tools of these names that exist and are active, in that order; a tool of a server that does not answer is left out. Where
   * two tools of MCP servers have the same name, the first one counts; none takes a name that the agent means another tool by.
   */
  async load(names: readonly string[]): Promise<LoadedTool[]> {
    if (names.length === 0) return [];
    const rows = await this.tools.active(names);
    const loaded = await Promise.all(
      rows.map(async (row) =>
        (await this.toolsOf(row)).filter(({ name }) => name === row.name || !names.includes(name)),
      ),
    );
    const seen = new Set<string>();
    return loaded.flat().filter(({ name }) => !seen.has(name) && seen.add(name));
  }

  private async toolsOf(row: ToolRow): Promise<LoadedTool[]> {
    if (row.kind === 'builtin') return this.builtinOf(row, row.config.builtin);
    return row.kind === 'http' ? [this.httpTool(row)] : this.mcpTools(row);
  }

  private builtinOf(row: RowOf<unknown>, name: string): LoadedTool[] {
    const builtin = builtins.get(name);
    if (!builtin) return [];
    const { description, input_schema, is_repeatable } = builtin;
    return [
      {
        ...shared(row),
        description: row.description || description,
        input_schema,
        is_repeatable,
        execute: (args, context) =>
          settle({ secrets: [], signal: context.signal }, () => builtin.execute(args, context, this.services)),
      },
    ];
  }

  private httpTool(row: RowOf<HttpToolConfig>): LoadedTool {
    return {
      ...shared(row),
      input_schema: row.input_schema,
      is_repeatable: isRepeatable(row.config),
      execute: (args, context) =>
        this.withSecrets(row, context.signal, (headers) =>
          callHttp(this.connector.dispatcher, row.config, headers, args, context),
        ),
    };
  }

  private async mcpTools(row: RowOf<McpToolConfig>): Promise<LoadedTool[]> {
    const { tool } = row.config;
    try {
      const offered = await this.lists.of(row);
      return offered
        .filter(({ name }) => tool === undefined || name === tool)
        .map(({ name, description, input_schema, is_repeatable }) => ({
          ...shared(row),
          name: tool === undefined ? combinedName(row.name, name) : row.name,
          description: (tool !== undefined && row.description) || description,
          input_schema,
          is_repeatable,
          execute: (args, context) =>
            this.withSecrets(row, context.signal, (headers) =>
              callMcp(this.connector.fetch, row.config, headers, { name, args }, context),
            ),
        }));
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      log.warn(
        { tenant_id: row.tenant_id, tool_id: row.id, code: error.code },
        'the tools of an MCP server are left out',
      );
      return [];
    }
  }

  private async withSecrets(
    row: RowOf<unknown>,
    signal: AbortSignal,
    work: (headers: Record<string, string>) => Promise<unknown>,
  ): Promise<unknown> {
    const headers = this.connector.open(row);
    return settle({ secrets: Object.values(headers), signal }, () => work(headers));
  }
}

const shared = ({ id, name, description, requires_approval, separate_approver }: RowOf<unknown>) => ({
  tool_id: id,
  name,
  description,
  requires_approval,
  separate_approver,
});
