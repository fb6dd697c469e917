import { Injectable } from '@nestjs/common';
import type { JsonObject, ToolDefinition } from '@taai/providers';
import { validatorOf } from './json-schema';

/** A tool as an agent's run sees it. */
export interface LoadedTool extends ToolDefinition {
  description: string;
  /** The row in `tools`. */
  tool_id: string;
  requires_approval: boolean;
  /** Whether a second execution with the same execution id does no harm: then one that a dead replica left is made again. */
  is_repeatable: boolean;
  /** Throws `ToolFailure`. Never called with arguments that `argumentsOf` has not read. */
  execute(args: JsonObject, context: ToolContext): Promise<unknown>;
}

export interface ToolContext {
  /** The execution's id: the idempotency key that goes along. */
  execution_id: string;
  run_id: string;
  user_id: string | null;
  api_key_id: string | null;
  signal: AbortSignal;
}

/** Why a tool gave no result. Code and message go to the model, and into the execution's row. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';

  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The tools of the caller's tenant. */
@Injectable()
export class ToolBox {
  /** Those of the names that exist and are active, in that order; a tool of a server that does not answer is left out. */
  async load(_names: readonly string[]): Promise<LoadedTool[]> {
    return [];
  }
}

/** Reads what the model wrote. Throws ToolFailure `invalid_arguments` with what is wrong, for the model to repair. */
export function argumentsOf({ input_schema }: LoadedTool, text: string): JsonObject {
  const value = parse(text);
  const fault = isObject(value) ? validatorOf(input_schema)(value) : 'The arguments must be a JSON object';
  if (fault !== null) throw new ToolFailure('invalid_arguments', `${fault}.`);
  return value as JsonObject;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text || '{}');
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
