import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { limits, type McpToolConfig } from '@taai/contracts';
import type { Fetch, JsonObject } from '@taai/providers';
import { ToolFailure, type ToolContext } from '../loaded-tool';
import { withMcp } from './mcp-connection';

const MAX_NAME = 64;

/** A server's tool under the name of its row, as vendors accept it. */
export const combinedName = (row: string, tool: string): string =>
  `${row}_${tool.replace(/[^a-zA-Z0-9_-]/g, '_')}`.slice(0, MAX_NAME);

/** Calls a server's tool. Resolves to its structured content, or else to its text. Throws ToolFailure `tool_error` for what the tool calls an error. */
export async function callMcp(
  fetch: Fetch,
  { url, timeout_ms = limits.defaultToolTimeoutMs }: McpToolConfig,
  secret_headers: Record<string, string>,
  { name, args }: { name: string; args: JsonObject },
  { execution_id, signal }: Pick<ToolContext, 'execution_id' | 'signal'>,
): Promise<unknown> {
  const headers = { ...secret_headers, 'idempotency-key': execution_id };
  return withMcp(fetch, { url, headers, timeout_ms, signal }, async (client, options) => {
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    const { content = [], structuredContent, isError } = result as Partial<CallToolResult>;
    const text = content.map(textOf).join('\n');
    if (isError) throw new ToolFailure('tool_error', text || 'The tool reports an error without saying which.');
    return structuredContent ?? text;
  });
}

/** A model is told of what is no text. */
function textOf(part: CallToolResult['content'][number]): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'resource' && 'text' in part.resource) return part.resource.text;
  return `[${part.type}]`;
}
