import type { JsonObject, ToolDefinition } from '@taai/providers';

/** A tool as an agent's run sees it. */
export interface LoadedTool extends ToolDefinition {
  description: string;
  /** The row in `tools`. */
  tool_id: string;
  requires_approval: boolean;
  separate_approver: boolean;
  /** Whether a second execution with the same execution id does no harm: then one that a dead replica left is made again. */
  is_repeatable: boolean;
  /** Resolves to JSON that can be stored, 64 kB at most. Throws `ToolFailure`. Never called with arguments that `argumentsOf` has not read. */
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
