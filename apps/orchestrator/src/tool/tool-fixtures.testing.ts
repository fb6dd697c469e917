import type { CreateTool } from '@taai/contracts';

/** Tools as clients create them, one of each kind. */
export const httpTool = {
  name: 'get_user',
  description: 'Reads a user.',
  kind: 'http',
  config: { method: 'GET', url: 'https://api.example.com/users/{{id}}' },
  input_schema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
} satisfies CreateTool;
export const mcpTool = {
  name: 'crm',
  kind: 'mcp',
  config: { url: 'https://mcp.example.com/mcp' },
} satisfies CreateTool;
export const builtinTool = {
  name: 'calculator',
  kind: 'builtin',
  config: { builtin: 'calculator' },
} satisfies CreateTool;
