import { IsBoolean, IsIn, IsISO8601, IsObject, IsString, IsUUID, Matches, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { ById, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from '../fields';
import { ToolExecution } from './tool-execution';
import { limits } from '../schema/limits';

export const toolKinds = ['builtin', 'http', 'mcp'] as const;
export type ToolKind = (typeof toolKinds)[number];

export interface BuiltinToolConfig {
  /** One of the builtins: `create_task`, `search_tasks`, `update_task`, `current_time`, `calculator`. */
  builtin: string;
}

/** A request. Arguments stand in it as `{{name}}`; what an optional argument that was not given stands alone in is left out. */
export interface HttpToolConfig {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With arguments in its path and its query values alone. */
  url: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Sent as JSON. A text that is one argument and nothing else becomes the argument as it is, of whatever type. */
  body?: unknown;
  /** To the last byte of the answer; 30,000 if absent. */
  timeout_ms?: number;
  /** Read of the answer, the rest is cut off; 256 kB if absent. */
  max_bytes?: number;
  /** Whether repeating the request with the same `Idempotency-Key` does no harm; GET and HEAD do none anyway. */
  idempotent?: boolean;
}

/** Of an MCP server that speaks streamable HTTP. */
export interface McpToolConfig {
  url: string;
  /** The server's name of the one tool that this one stands for. Absent: for all of them, named `<name>_<tool>`. */
  tool?: string;
  /** For connecting and calling together; 30,000 if absent. */
  timeout_ms?: number;
}

/** What vendors accept as the name of a function. */
const ToolName = () => Matches(/^[a-zA-Z0-9_-]{1,64}$/);

class ToolFields {
  @Describe(
    "Tells the model what the tool does; the builtin's own, or what the MCP server says, if absent.",
    'Looks up an order by its number.',
  )
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.toolDescriptionCharacters)
  description?: string;

  @Describe('Whether each call waits for a person.', false)
  @Optional()
  @IsBoolean()
  requires_approval?: boolean;

  @Describe('Whether who started a run may not approve its calls: somebody else must.', false)
  @Optional()
  @IsBoolean()
  separate_approver?: boolean;

  @Describe('False: no agent can call it.')
  @Optional()
  @IsBoolean()
  is_active?: boolean;

  @Describe(
    'How it is called, by kind. `builtin`: `{builtin}`. `http`: `{method, url, query?, headers?, body?, timeout_ms?, max_bytes?, idempotent?}`, with arguments as `{{name}}`. `mcp`: `{url, tool?, timeout_ms?}`.',
    { method: 'GET', url: 'https://shop.example.com/orders/{{number}}' },
  )
  @Optional()
  @IsObject()
  config?: Record<string, unknown>;

  @Describe(
    'Headers that hold secrets, by name; encrypted, never shown. They replace the ones stored; null removes all.',
    { authorization: 'Bearer …' },
  )
  @Optional()
  @Nullable()
  @IsObject()
  secret_headers?: Record<string, string> | null;

  @Describe(
    'JSON schema of the arguments, an object. For HTTP tools alone: a builtin has its own, and an MCP server tells its.',
    { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] },
  )
  @Optional()
  @IsObject()
  input_schema?: Record<string, unknown>;
}

export class CreateTool extends ToolFields {
  @Describe('What the model calls it: letters, digits, `_` and `-`.', 'look_up_order')
  @ToolName()
  name: string;

  @Describe('What stands behind it.', 'http')
  @IsIn(toolKinds)
  kind: ToolKind;
}

export class UpdateTool extends ToolFields {
  @Describe('Id of the tool.')
  @IsUUID()
  id: string;

  @Describe('What the model calls it: letters, digits, `_` and `-`.', 'look_up_order')
  @Optional()
  @ToolName()
  name?: string;
}

export class Tool {
  @Describe('Id of the tool.')
  @IsUUID()
  id: string;

  @Describe('What the model calls it.', 'look_up_order')
  @IsString()
  name: string;

  @Describe('What the model is told of it.', 'Looks up an order by its number.')
  @IsString()
  description: string;

  @Describe('What stands behind it.', 'http')
  @IsIn(toolKinds)
  kind: string;

  @Describe('JSON schema of the arguments, an object.', {
    type: 'object',
    properties: { number: { type: 'string' } },
    required: ['number'],
  })
  @IsObject()
  input_schema: Record<string, unknown>;

  @Describe('How it is called, as it was given.', { method: 'GET', url: 'https://shop.example.com/orders/{{number}}' })
  @IsObject()
  config: Record<string, unknown>;

  @Describe("Names of the headers whose values are stored encrypted. Another origin in the config's url drops them.", [
    'authorization',
  ])
  @IsString({ each: true })
  secret_header_names: string[];

  @Describe('Whether each call waits for a person.', false)
  @IsBoolean()
  requires_approval: boolean;

  @Describe('Whether who started a run may not approve its calls: somebody else must.', false)
  @IsBoolean()
  separate_approver: boolean;

  @Describe('Whether agents can call it.')
  @IsBoolean()
  is_active: boolean;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;
}

export const toolContract = contract('orchestrator.tool', {
  create: {
    summary: 'Add a tool that agents may call',
    description:
      'Answers `slug_taken` (409) for a name in use, `validation_failed` (400) for a config or schema that cannot be used, and `url_not_allowed` (422) for an address that is not a public one.',
    http: 'POST /v1/tools',
    access: 'tools:create',
    input: CreateTool,
    output: Tool,
    effect: 'once_per_key',
    secret: true,
  },
  list: {
    summary: 'List tools, newest first',
    description: 'Inactive tools are among them.',
    http: 'GET /v1/tools',
    access: 'tools:read',
    input: PageQuery,
    output: Page(Tool),
    effect: 'safe',
  },
  get: {
    summary: 'Read a tool',
    description: 'The values of secret headers are never shown.',
    http: 'GET /v1/tools/:id',
    access: 'tools:read',
    input: ById,
    output: Tool,
    effect: 'safe',
  },
  update: {
    summary: "Change a tool; another origin in its config's url drops its secret headers",
    description:
      'Fields that are absent stay. Answers `slug_taken` (409) for a name in use, `validation_failed` (400) for a config or schema that cannot be used, and `url_not_allowed` (422) for an address that is not a public one.',
    http: 'PATCH /v1/tools/:id',
    access: 'tools:update',
    input: UpdateTool,
    output: Tool,
    effect: 'once',
    secret: true,
  },
  remove: {
    summary: 'Delete a tool that no agent uses',
    description: 'Answers `conflict` (409) while agents use it.',
    http: 'DELETE /v1/tools/:id',
    access: 'tools:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  executions: {
    summary: "List a tool's executions, newest first",
    description: 'Calls that wait for a person are among them.',
    http: 'GET /v1/tools/:id/executions',
    access: 'tools:read',
    input: PageById,
    output: Page(ToolExecution),
    effect: 'safe',
  },
});
