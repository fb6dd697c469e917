import { addAbortListener } from 'node:events';
import { isUnavailable } from '@taai/contracts';
import { LeaseLost, reportError } from '@taai/platform';
import { storable, storableJson } from '../../json/storable';
import { argumentsOf, ToolFailure, type LoadedTool } from '../../tool/tool-box';
import type { Execution, Step, ToolOutcome } from '../run-step';
import type { HeldRun } from './held-run';

/** Tools of one step that are called at once. */
const AT_ONCE = 8;

/** Makes the tool calls of a run, each once. */
export class ToolCalls {
  private readonly byName: ReadonlyMap<string, LoadedTool>;

  constructor(
    private readonly run: HeldRun,
    tools: readonly LoadedTool[],
    private readonly signal: AbortSignal,
  ) {
    this.byName = new Map(tools.map((tool) => [tool.name, tool]));
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

  private async settleOne(execution: Execution): Promise<void> {
    const outcome = await this.outcomeOf(execution);
    // The run ends or is taken over: its end, or its successor, settles the call.
    if (this.signal.aborted && outcome.status !== 'completed') return;
    await this.run.settle(execution, outcome);
  }

  private async outcomeOf(execution: Execution): Promise<ToolOutcome> {
    const { status, result, error_code, error_detail } = execution;
    if (status === 'failed') return { status, result, error_code, error_detail };
    if (status === 'rejected') return failure(status, 'rejected', 'A person has refused this call. Do not repeat it.');
    try {
      return { status: 'completed', result: await this.execute(execution), error_code: null, error_detail: null };
    } catch (error) {
      if (error instanceof LeaseLost || isUnavailable(error)) throw error;
      if (error instanceof ToolFailure) return failure('failed', error.code, storable(error.message));
      if (this.signal.aborted) return failure('failed', 'aborted', 'The run was stopped.');
      reportError(error, { run_id: execution.run_id });
      return failure('failed', 'internal', 'The tool failed on our side.');
    }
  }

  private async execute(execution: Execution): Promise<unknown> {
    const { run, signal } = this;
    const { id: execution_id, run_id, tool_name, status } = execution;
    const tool = this.byName.get(tool_name);
    if (!tool) throw new ToolFailure('unknown_tool', `There is no tool "${tool_name}" any more.`);
    if (status === 'running' && !tool.is_repeatable)
      throw new ToolFailure(
        'outcome_unknown',
        'The call was made, but its result got lost. It may have had its effect.',
      );
    signal.throwIfAborted();
    await run.begin(execution);
    const { user_id, state } = run.row;
    const args = await argumentsOf(tool, storableJson(execution.arguments));
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

const failure = (status: 'failed' | 'rejected', error_code: string, error_detail: string): ToolOutcome => ({
  status,
  result: null,
  error_code,
  error_detail,
});
