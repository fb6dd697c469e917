import { isUnavailable, ProblemError } from '@taai/contracts';
import { LeaseLost } from '@taai/platform';
import { ProviderError, type ChatEvent } from '@taai/providers';
import type { FileLoader } from '../../file/file-loader';
import type { Attempt, Candidate } from '../../model/candidate';
import type { ChatCaller } from '../../model/model-caller';
import { untilAvailable } from '../../patience';
import type { ProviderDirectory } from '../../provider/provider-directory';
import type { LoadedTool } from '../../tool/tool-box';
import type { HeldRun } from './held-run';
import { RunFailure, toRunFailure } from './run-failure';
import type { RunOutcome } from './run-outcome';
import { limitOf, requestOf } from './run-request';
import { ToolCalls } from './run-tool-calls';
import { schemaViolation } from './schema-violation';
import { draftStep } from './step-draft';

/** Times that a model is asked again for an answer that fits the agent's schema. */
const MAX_REPAIRS = 2;
/** How much later than the run's own deadline the adapter's expires, so that the run's gives the reason. */
const BACKSTOP_MS = 5000;

/** What `advance` comes to: the run's end, or `paused` for one that waits for a person. */
export type Advance = RunOutcome | { status: 'paused' };

/** The models that a run may ask, and the files that it asks them about. */
export interface Models {
  providers: ProviderDirectory;
  caller: ChatCaller;
  files: Pick<FileLoader, 'load'>;
}

/** Model call, tool calls, model call, … from wherever the run stands. */
export class RunLoop {
  private readonly calls: ToolCalls;

  constructor(
    private readonly run: HeldRun,
    private readonly tools: readonly LoadedTool[],
    private readonly models: Models,
    private readonly signal: AbortSignal,
  ) {
    this.calls = new ToolCalls(run, tools, signal);
  }

  /** Throws LeaseLost, `service_unavailable` for what stays away, and `ProviderError` `aborted` once the signal has. */
  async advance(): Promise<Advance> {
    for (;;) {
      const paused = await this.finishTools();
      if (paused) return { status: 'paused' };
      this.assertGoingOn();
      await this.explainRepairs();
      const limit = limitOf(this.run);
      if (limit) return { status: 'failed', failure: limit, call: null };
      const attempt = await this.ask();
      const outcome = await this.follow(attempt);
      if (outcome) return outcome;
    }
  }

  /** Makes the last step's calls; true when the run has to wait for a person. */
  private async finishTools(): Promise<boolean> {
    for (;;) {
      const last = this.run.steps.at(-1);
      if (!last) return false;
      await this.calls.settle(last);
      this.assertGoingOn();
      if (!last.executions.some(({ status }) => status === 'waiting_approval')) return false;
      if (await this.run.pause()) return true;
    }
  }

  /** The model is told why its answers have to be mended. */
  private async explainRepairs(): Promise<void> {
    for (const step of this.run.steps)
      if (step.tool_calls.length === 0) step.violation ??= (await this.violation(step.output)) ?? undefined;
  }

  private assertGoingOn(): void {
    if (this.signal.aborted) throw new ProviderError('aborted', 'The run was stopped.');
  }

  private async ask(): Promise<Attempt> {
    const { run, signal } = this;
    const candidates = await this.candidates();
    return this.models.files.load(run.messages, signal, (messages) =>
      this.models.caller.call(candidates, requestOf(run, messages, this.tools), {
        signal,
        deadline: Date.now() + run.remaining_ms + BACKSTOP_MS,
        accounting: run,
        onEvent: (event: ChatEvent) => {
          if (event.type === 'text') run.log.appendToken(event.text);
          if (event.type === 'reasoning') run.log.appendReasoning(event.text);
        },
      }),
    );
  }

  /** In the order in which they are tried. Throws the RunFailure `agent_not_ready` when there is none. */
  private async candidates(): Promise<Candidate[]> {
    const { provider_id, model, fallbacks = [] } = this.run.row.state;
    try {
      const { providers } = this.models;
      return await untilAvailable(() => providers.candidates([{ provider_id, model }, ...fallbacks]), this.signal);
    } catch (error) {
      if (!(error instanceof ProblemError) || isUnavailable(error)) throw error;
      throw new RunFailure('agent_not_ready', error.message);
    }
  }

  /** Commits an answer that is a step; resolves to the run's end where it is none. It was paid for, even if it is of no use. */
  private async follow(attempt: Attempt): Promise<RunOutcome | undefined> {
    const { failure, text, tool_calls } = attempt.reply;
    try {
      if (failure || !(await this.goesOn(attempt))) return await this.outcomeOf(attempt);
      await this.run.advance(attempt, await draftStep(this.run, this.tools, text.toWellFormed(), tool_calls));
      return undefined;
    } catch (error) {
      if (error instanceof LeaseLost || isUnavailable(error)) throw error;
      return { status: 'failed', failure: toRunFailure(error), call: attempt };
    }
  }

  /** Whether the answer is a step, not the end. */
  private async goesOn({ reply }: Attempt): Promise<boolean> {
    if (reply.tool_calls.length > 0) return true;
    const repairs = this.run.steps.filter(({ tool_calls }) => tool_calls.length === 0).length;
    return repairs < MAX_REPAIRS && (await this.violation(reply.text)) !== null;
  }

  private violation(text: string): Promise<string | null> {
    return schemaViolation(this.run.row.state.output_schema, text);
  }

  private async outcomeOf(attempt: Attempt): Promise<RunOutcome> {
    const { failure, text } = attempt.reply;
    if (failure) return { status: 'failed', failure: toRunFailure(failure), call: attempt };
    const violation = await this.violation(text);
    if (violation === null) return { status: 'completed', failure: null, call: attempt };
    return { status: 'failed', failure: new RunFailure('output_invalid', `The answer ${violation}`), call: attempt };
  }
}
