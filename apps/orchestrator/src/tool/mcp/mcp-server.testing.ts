import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CallToolResult,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** A tool of the server, and what a call of it gives. */
export interface ServedTool extends Omit<Tool, 'name' | 'inputSchema'> {
  inputSchema?: Tool['inputSchema'];
  call: (args: Record<string, unknown>, headers: IncomingHttpHeaders) => CallToolResult | Promise<CallToolResult>;
}

const anObject = { type: 'object' as const };

/** A result of text. */
export const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });

/**
 * An MCP server by the official SDK, over streamable HTTP with sessions. Keeps the names of the tools that were called, and the headers
 * that the calls came with.
 */
export async function startMcpServer(tools: Record<string, ServedTool>) {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const calls: { name: string; args: Record<string, unknown>; headers: IncomingHttpHeaders }[] = [];
  const seen = { lists: 0, sessions: 0 };

  async function newSession(): Promise<StreamableHTTPServerTransport> {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const server = new Server({ name: 'spec', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => {
      seen.lists += 1;
      return {
        tools: Object.entries(tools).map(([name, { call: _, ...tool }]) => ({ inputSchema: anObject, ...tool, name })),
      };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: args = {} } }, { requestInfo }) => {
      const headers = requestInfo?.headers ?? {};
      calls.push({ name, args, headers });
      return tools[name]?.call(args, headers) ?? { ...said(`There is no ${name}.`), isError: true };
    });
    await server.connect(transport);
    seen.sessions += 1;
    return transport;
  }

  const http = createServer((request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']));
    void Promise.resolve(known ?? newSession()).then((transport) => transport.handleRequest(request, response));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    calls,
    seen,
    /** Of clients that have not left. */
    sessions,
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

export type McpTestServer = Awaited<ReturnType<typeof startMcpServer>>;
