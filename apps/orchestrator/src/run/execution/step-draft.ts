import { parseJson, type ToolCall } from '@taai/providers';
import { v7 } from 'uuid';
import { argumentsOf, ToolFailure, type LoadedTool } from '../../tool/tool-box';
import type { Execution, StepDraft } from '../run-step';
import type { HeldRun } from './held-run';

/** Arguments are compared with their schemas in one thread for all runs: later calls of an answer that keeps it busy are not compared any more. */
const COMPARE_MS = 1000;
const MAX_ID = 200;

/** Drafts the step that follows from an answer. Calls that cannot be made are failed from the start. */
export async function draftStep(
  { row, steps }: HeldRun,
  tools: readonly LoadedTool[],
  output: string,
  calls: readonly ToolCall[],
): Promise<StepDraft> {
  const step = steps.length + 1;
  const taken = new Set(steps.flatMap(({ tool_calls }) => tool_calls.map(({ id }) => id)));
  const tool_calls = calls.map((call, position) => ({ ...call, id: freshId(call.id, taken, step, position) }));
  const latest = performance.now() + COMPARE_MS;
  const executions: Execution[] = [];
  for (const [position, call] of tool_calls.entries()) {
    const tool = tools.find(({ name }) => name === call.name);
    const fault = performance.now() < latest ? await faultOf(tool, call) : notCompared();
    const waits = tool?.requires_approval === true || row.state.requires_approval === true;
    const separate_approver = tool?.separate_approver === true || row.state.separate_approver === true;
    executions.push({ ...executionOf(call, tool, fault, waits), separate_approver, run_id: row.id, step, position });
  }
  return { step, output, tool_calls, executions };
}

type Placed = 'run_id' | 'step' | 'position' | 'separate_approver';

function executionOf(
  call: ToolCall,
  tool: LoadedTool | undefined,
  fault: ToolFailure | undefined,
  waits: boolean,
): Omit<Execution, Placed> {
  return {
    ...blank,
    id: v7(),
    tool_id: tool?.tool_id ?? null,
    created_at: new Date(),
    tool_name: call.name,
    tool_call_id: call.id,
    arguments: parseJson(call.arguments || '{}') ?? call.arguments,
    status: fault ? 'failed' : waits ? 'waiting_approval' : 'pending',
    error_code: fault?.code ?? null,
    error_detail: fault?.message ?? null,
  };
}

const blank = {
  result: null,
  decided_by: null,
  decided_at: null,
  started_at: null,
  finished_at: null,
  call_event_id: null,
  approval_event_id: null,
  result_event_id: null,
};

/** The fault that keeps a call from being made; the model is told, and may do better. */
async function faultOf(tool: LoadedTool | undefined, call: ToolCall): Promise<ToolFailure | undefined> {
  if (!tool) return new ToolFailure('unknown_tool', `There is no tool "${call.name}".`);
  try {
    await argumentsOf(tool, call.arguments);
    return undefined;
  } catch (error) {
    if (error instanceof ToolFailure) return error;
    throw error;
  }
}

const notCompared = () =>
  new ToolFailure('invalid_arguments', 'Comparing the arguments of the other calls with their schemas took too long.');

/** Some vendors name the calls of every answer alike: within a run an id stands for one call. */
function freshId(id: string, taken: Set<string>, step: number, position: number): string {
  const fits = id !== '' && id.length <= MAX_ID && !taken.has(id);
  const fresh = fits ? id : `call_${step}_${position}`;
  taken.add(fresh);
  return fresh;
}
