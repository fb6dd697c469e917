import { Injectable } from '@nestjs/common';
import { limits, type McpToolConfig } from '@taai/contracts';
import type { JsonObject } from '@taai/providers';
import { LRUCache } from 'lru-cache';
import { withMcp } from './mcp-connection';
import { ToolConnector, type SecretHolder } from '../tool-connector';
import { cut, sizeOf } from '../tool-result';

const FRESH_MS = 5 * 60_000;
const LIST_MS = 10_000;
const MAX_PAGES = 10;
const MAX_DESCRIPTION = 4000;
const CACHE_BYTES = 32 * 1024 * 1024;

/** A tool as its server describes it. */
export interface RemoteTool {
  name: string;
  description: string;
  input_schema: JsonObject;
  is_repeatable: boolean;
}

/** A row of a tool that is an MCP server's. */
export interface McpRow extends SecretHolder {
  config: McpToolConfig;
  updated_at: Date;
}

/** What MCP servers offer, remembered for five minutes, or until the row that names the server changes. */
@Injectable()
export class McpToolLists {
  private readonly lists: LRUCache<string, RemoteTool[], McpRow>;

  constructor(connector: ToolConnector) {
    this.lists = new LRUCache({
      ttl: FRESH_MS,
      maxSize: CACHE_BYTES,
      sizeCalculation: (tools) => sizeOf(tools),
      // Many runs that begin at once ask the server once.
      fetchMethod: (_key, _stale, { context }) => readTools(connector, context),
    });
  }

  /** Throws ToolFailure when the server does not answer as it should, within 10 s. */
  async of(row: McpRow): Promise<RemoteTool[]> {
    const key = `${row.tenant_id}:${row.id}:${row.updated_at.getTime()}`;
    return (await this.lists.fetch(key, { context: row })) ?? [];
  }
}

function readTools(connector: ToolConnector, row: McpRow): Promise<RemoteTool[]> {
  const { url, timeout_ms = LIST_MS } = row.config;
  const bounds = { timeout_ms: Math.min(timeout_ms, LIST_MS), signal: new AbortController().signal };
  return withMcp(connector.fetch, { url, headers: connector.open(row), ...bounds }, async (client, options) => {
    const tools: RemoteTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES && tools.length < limits.mcpTools; page += 1) {
      const listed = await client.listTools({ cursor }, options);
      tools.push(
        ...listed.tools.map(toRemote).filter(({ input_schema }) => sizeOf(input_schema) <= limits.schemaBytes),
      );
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    return tools.slice(0, limits.mcpTools);
  });
}

interface Described {
  name: string;
  description?: string;
  inputSchema: JsonObject;
  annotations?: { readOnlyHint?: boolean; idempotentHint?: boolean };
}

const toRemote = ({ name, description = '', inputSchema, annotations = {} }: Described): RemoteTool => ({
  name,
  description: cut(description, MAX_DESCRIPTION),
  input_schema: inputSchema,
  is_repeatable: annotations.readOnlyHint === true || annotations.idempotentHint === true,
});
