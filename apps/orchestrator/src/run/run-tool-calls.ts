import { addAbortListener } from 'node:events';
import { v7 } from 'uuid';
import { reportError, type RunLogWriter } from '@taai/platform';
import type { ToolCall } from '@taai/providers';
import { persistently } from './retry-until-committed';
import { toolResultEvent } from './run-events';
import type { Execution, Settlement, Step } from './run-step.repository';
import type { RunProgress, RunSteps, StepDraft } from './held-run';
import { storableJson } from './storable-json';
import { storable } from '../texts';
import { argumentsOf, ToolFailure, type LoadedTool } from '../tool/tool-box';

/** Tools of one step that are called at once. */
const AT_ONCE = 8;
/** Comparing the arguments of one answer with their schemas keeps all other runs waiting: later calls are not compared any more. */
const COMPARE_MS = 1000;

interface RunToolsContext {
  owner: string;
  steps: RunSteps;
  log: RunLogWriter;
  tools: readonly LoadedTool[];
  signal: AbortSignal;
}

/** The tool calls of a run: what is called, once, and what the model is told of it. */
export class RunTools {
  private readonly byName: ReadonlyMap<string, LoadedTool>;
  /** Results are committed and logged one by one: the numbers of their events are consecutive. */
  private settling: Promise<void> = Promise.resolve();

  constructor(
    private readonly progress: RunProgress,
    private readonly context: RunToolsContext,
  ) {
    this.byName = new Map(context.tools.map((tool) => [tool.name, tool]));
  }

  /** The step that follows from an answer. Calls that cannot be made are failed from the start. */
  draft(output: string, calls: readonly ToolCall[]): StepDraft {
    const { steps } = this.progress;
    const step = steps.length + 1;
    const taken = new Set(steps.flatMap(({ tool_calls }) => tool_calls.map(({ id }) => id)));
    const tool_calls = calls.map((call, position) => ({ ...call, id: freshId(call.id, taken, step, position) }));
    const latest = performance.now() + COMPARE_MS;
    const executions = tool_calls.map((call, position) => this.executionOf(call, step, position, latest));
    return { step, output, tool_calls, executions };
  }

  /** Makes the calls of the step that nothing keeps from being made, and commits what comes of them. */
  async settle({ executions }: Step): Promise<void> {
    const open = executions.filter(
      ({ status, result_event_id }) => result_event_id === null && status !== 'waiting_approval',
    );
    const queue = open.values();
    const work = async () => {
      for (const execution of queue) await this.settleOne(execution);
    };
    const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    const failed = workers.find((worker) => worker.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private executionOf(call: ToolCall, step: number, position: number, latest: number): Execution {
    const { run } = this.progress;
    const tool = this.byName.get(call.name);
    const fault = performance.now() < latest ? faultOf(tool, call) : notCompared();
    const waits = !fault && (tool?.requires_approval === true || run.state.requires_approval === true);
    return {
      ...blank,
      ...{ id: v7(), run_id: run.id, step, position, tool_id: tool?.tool_id ?? null, created_at: new Date() },
      ...{ tool_name: call.name, tool_call_id: call.id, arguments: jsonOf(call.arguments) },
      status: fault ? 'failed' : waits ? 'waiting_approval' : 'pending',
      ...{ error_code: fault?.code ?? null, error_detail: fault?.message ?? null },
    };
  }

  private async settleOne(execution: Execution): Promise<void> {
    const { owner, steps, log, signal } = this.context;
    const outcome = await this.outcomeOf(execution);
    // The run ends or moves on: whoever does that says what becomes of the call.
    if (signal.aborted && outcome.status !== 'completed') return;
    const commit = async () => {
      const settlement = { ...outcome, result_event_id: log.last_id + 1 };
      await persistently(() => steps.settle(this.progress, owner, execution, settlement));
      const { type, data } = toolResultEvent(execution);
      log.append(type, data);
    };
    this.settling = this.settling.then(commit);
    await this.settling;
  }

  private async outcomeOf(execution: Execution): Promise<Omit<Settlement, 'result_event_id'>> {
    if (execution.status === 'failed') return execution;
    if (execution.status === 'rejected')
      return failure('rejected', 'rejected', 'A person has refused this call. Do not repeat it.');
    try {
      return { status: 'completed', result: await this.execute(execution), error_code: null, error_detail: null };
    } catch (error) {
      if (error instanceof ToolFailure) return failure('failed', error.code, storable(error.message));
      if (this.context.signal.aborted) return failure('failed', 'aborted', 'The run was stopped.');
      reportError(error, { run_id: execution.run_id });
      return failure('failed', 'internal', 'The tool failed on our side.');
    }
  }

  private async execute(execution: Execution): Promise<unknown> {
    const { owner, steps, signal } = this.context;
    const { id: execution_id, run_id, tool_name, status } = execution;
    const tool = this.byName.get(tool_name);
    if (!tool) throw new ToolFailure('unknown_tool', `There is no tool "${tool_name}" any more.`);
    if (status === 'running' && !tool.is_repeatable)
      throw new ToolFailure(
        'outcome_unknown',
        'The call was made, but its result got lost. It may have had its effect.',
      );
    signal.throwIfAborted();
    await steps.begin(this.progress, owner, execution);
    const { user_id, state } = this.progress.run;
    const args = argumentsOf(tool, storableJson(execution.arguments));
    const context = { execution_id, run_id, user_id, api_key_id: state.api_key_id, signal };
    return unlessAborted(signal, tool.execute(args, context));
  }
}

/** A tool that does not heed the signal is left behind. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const listener = addAbortListener(signal, () => reject(new ToolFailure('aborted', 'The run was stopped.')));
  try {
    return await Promise.race([work, promise]);
  } finally {
    listener[Symbol.dispose]();
  }
}

const blank = {
  ...{ result: null, decided_by: null, decided_at: null, started_at: null, finished_at: null },
  ...{ call_event_id: null, approval_event_id: null, result_event_id: null },
};

const failure = (status: 'failed' | 'rejected', error_code: string, error_detail: string) => ({
  ...{ status, result: null, error_code, error_detail },
});

/** What keeps a call from being made; the model is told, and may do better. */
function faultOf(tool: LoadedTool | undefined, call: ToolCall): ToolFailure | undefined {
  if (!tool) return new ToolFailure('unknown_tool', `There is no tool "${call.name}".`);
  try {
    argumentsOf(tool, call.arguments);
    return undefined;
  } catch (error) {
    if (error instanceof ToolFailure) return error;
    throw error;
  }
}

const notCompared = () =>
  new ToolFailure('invalid_arguments', 'Comparing the arguments of the other calls with their schemas took too long.');

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text || '{}') as unknown;
  } catch {
    return text;
  }
}

const MAX_ID = 200;

/** Some vendors name the calls of every answer alike: within a run an id stands for one call. */
function freshId(id: string, taken: Set<string>, step: number, position: number): string {
  const fits = id !== '' && id.length <= MAX_ID && !taken.has(id);
  const fresh = fits ? id : `call_${step}_${position}`;
  taken.add(fresh);
  return fresh;
}
