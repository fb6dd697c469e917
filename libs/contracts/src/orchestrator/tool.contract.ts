import { IsBoolean, IsIn, IsISO8601, IsObject, IsString, IsUUID, Matches, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from '../fields';
import { ToolExecution } from './run.contract';

export const toolKinds = ['builtin', 'http', 'mcp'] as const;
export type ToolKind = (typeof toolKinds)[number];

/** What vendors accept as the name of a function. */
const ToolName = () => Matches(/^[a-zA-Z0-9_-]{1,64}$/);

class ToolFields {
  @Optional()
  @IsBoolean()
  requires_approval?: boolean;

  @Optional()
  @IsBoolean()
  is_active?: boolean;

  /** By kind: `builtin {builtin}`, `http {method, url, query?, headers?, body?, timeout_ms?, …}`, `mcp {url, tool?, …}`. */
  @Optional()
  @IsObject()
  config?: Record<string, unknown>;

  /** Headers that hold secrets, by name; encrypted, never shown. They replace the ones stored; null removes all. */
  @Optional()
  @Nullable()
  @IsObject()
  secret_headers?: Record<string, string> | null;

  /** JSON schema of the arguments, an object. Absent for builtin tools, and for MCP tools, whose server tells it. */
  @Optional()
  @IsObject()
  input_schema?: Record<string, unknown>;
}

export class CreateTool extends ToolFields {
  @ToolName()
  name: string;

  @IsString()
  @MinLength(1)
  @MaxLength(2000)
  description: string;

  @IsIn(toolKinds)
  kind: ToolKind;
}

export class UpdateTool extends ToolFields {
  @IsUUID()
  id: string;

  @Optional()
  @ToolName()
  name?: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(2000)
  description?: string;
}

export class Tool {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  @IsString()
  description: string;

  @IsIn(toolKinds)
  kind: string;

  @IsObject()
  input_schema: Record<string, unknown>;

  @IsObject()
  config: Record<string, unknown>;

  /** Names of the headers whose values are stored encrypted. */
  @IsString({ each: true })
  secret_header_names: string[];

  @IsBoolean()
  requires_approval: boolean;

  @IsBoolean()
  is_active: boolean;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;
}

export const toolContract = contract('orchestrator.tool', {
  create: {
    summary: 'Add a tool that agents may call',
    http: 'POST /v1/tools',
    access: 'tools:create',
    input: CreateTool,
    output: Tool,
    effect: 'once',
    secret: true,
  },
  list: {
    summary: 'List tools, newest first',
    http: 'GET /v1/tools',
    access: 'tools:read',
    input: PageQuery,
    output: Page(Tool),
    effect: 'safe',
  },
  get: {
    summary: 'Read a tool',
    http: 'GET /v1/tools/:id',
    access: 'tools:read',
    input: ById,
    output: Tool,
    effect: 'safe',
  },
  update: {
    summary: 'Change a tool',
    http: 'PATCH /v1/tools/:id',
    access: 'tools:update',
    input: UpdateTool,
    output: Tool,
    effect: 'once',
    secret: true,
  },
  remove: {
    summary: 'Delete a tool that no agent uses',
    http: 'DELETE /v1/tools/:id',
    access: 'tools:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  executions: {
    summary: "List a tool's executions, newest first",
    http: 'GET /v1/tools/:id/executions',
    access: 'tools:read',
    input: PageById,
    output: Page(ToolExecution),
    effect: 'safe',
  },
});
