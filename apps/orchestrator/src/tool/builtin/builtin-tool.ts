import type { JsonObject } from '@taai/providers';
import type { ToolContext } from '../loaded-tool';
import type { TaskAccess } from './task-access';

/** What builtin tools are given. */
export interface BuiltinServices {
  tasks: TaskAccess;
}

/** A tool that the service itself brings. Another one is a file here, and a line in `registry.ts`. */
export interface BuiltinTool {
  description: string;
  input_schema: JsonObject;
  is_repeatable: boolean;
  /** `args` fit `input_schema`. Throws ToolFailures and ProblemErrors, whose codes and messages the model is told. */
  execute(args: JsonObject, context: ToolContext, services: BuiltinServices): Promise<unknown>;
}
