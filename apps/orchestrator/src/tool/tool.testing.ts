import { v7 } from 'uuid';
import type { LoadedTool, ToolContext } from './loaded-tool';
import { argumentsOf } from './tool-arguments';

/** What a run gives a tool along. */
export const toolContext = (more: Partial<ToolContext> = {}): ToolContext => ({
  execution_id: v7(),
  run_id: v7(),
  user_id: v7(),
  api_key_id: null,
  signal: new AbortController().signal,
  ...more,
});

/** Calls a tool as a run does, with arguments that a model wrote. */
export const callTool = async (tool: LoadedTool | undefined, args: object = {}, context: Partial<ToolContext> = {}) => {
  if (!tool) throw new Error('The tool is not there.');
  return tool.execute(await argumentsOf(tool, JSON.stringify(args)), toolContext(context));
};

/** What it fails with. */
export const failure = (code: string, message: unknown = expect.any(String)): unknown =>
  expect.objectContaining({ name: 'ToolFailure', code, message });
