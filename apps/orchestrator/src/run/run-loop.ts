import { LeaseLost, type RunLogWriter } from '@taai/platform';
import { ProviderError, type ChatEvent, type ChatRequest } from '@taai/providers';
import type { Asker, Attempt } from '../model/model-caller';
import { roughPromptTokens } from '../accounting/usage-estimate';
import { persistently } from './retry-until-committed';
import { approvalEvent, toolCallEvent, usageEvent } from './run-events';
import { RunFailure, toRunFailure } from './run-failure';
import { messagesOf } from './run-messages';
import type { RunModels } from './run-models';
import { misfitOf } from './schema-violation';
import type { Step } from './run-step.repository';
import type { Outcome, RunProgress, RunSteps } from './held-run';
import { RunTools } from './run-tool-calls';
import type { LoadedTool } from '../tool/tool-box';

/** Model calls of a run whose agent does not say. */
export const DEFAULT_MAX_STEPS = 20;
/** Times that a model is asked again for an answer that fits the agent's schema. */
const MAX_REPAIRS = 2;
/** Estimated tokens of all that a model would be shown: more than any reads, and than a replica should hold of one run. */
const MAX_PROMPT_TOKENS = 2_000_000;
/** How much later than the run's own deadline the adapter's expires, so that the run's gives the reason. */
const BACKSTOP_MS = 5000;

/** What `advance` comes to: the run's end, or `paused` for one that waits for a person. */
export type Advance = Outcome | { status: 'paused' };

interface RunLoopContext {
  owner: string;
  steps: RunSteps;
  models: RunModels;
  caller: Asker;
  log: RunLogWriter;
  tools: readonly LoadedTool[];
  signal: AbortSignal;
}

/** Model call, tool calls, model call, … from wherever the run stands. */
export class RunLoop {
  private readonly tools: RunTools;

  constructor(
    private readonly progress: RunProgress,
    private readonly context: RunLoopContext,
  ) {
    this.tools = new RunTools(progress, context);
  }

  /** Throws LeaseLost, and `ProviderError` `aborted` once the signal has. */
  async advance(): Promise<Advance> {
    for (;;) {
      const paused = await this.finishTools();
      if (paused) return { status: 'paused' };
      this.assertGoingOn();
      const limit = limitOf(this.progress);
      if (limit) return { status: 'failed', failure: limit, call: null };
      const attempt = await this.ask();
      const outcome = await this.follow(attempt);
      if (outcome) return outcome;
    }
  }

  /** Commits an answer that is a step; resolves to the run's end where it is none. It was paid for, even if it is of no use. */
  private async follow(attempt: Attempt): Promise<Outcome | undefined> {
    try {
      if (attempt.reply.failure || !this.goesOn(attempt)) return this.outcomeOf(attempt);
      await this.commit(attempt);
      return undefined;
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      return { status: 'failed', failure: toRunFailure(error), call: attempt };
    }
  }

  /** Makes the last step's calls; true when the run has to wait for a person. */
  private async finishTools(): Promise<boolean> {
    for (;;) {
      const last = this.progress.steps.at(-1);
      if (!last) return false;
      await this.tools.settle(last);
      this.assertGoingOn();
      if (!last.executions.some(({ status }) => status === 'waiting_approval')) return false;
      if (await this.pause()) return true;
    }
  }

  /** False when everything was decided meanwhile. */
  private async pause(): Promise<boolean> {
    const { steps, owner, log } = this.context;
    const remaining_ms = remainingMs(this.progress);
    const waiting = await persistently(() => steps.pause(this.progress, owner, remaining_ms, log.last_id));
    for (const { type, data } of waiting.map(approvalEvent)) log.append(type, data);
    return waiting.length > 0;
  }

  private assertGoingOn(): void {
    if (this.context.signal.aborted) throw new ProviderError('aborted', 'The run was stopped.');
  }

  private async ask(): Promise<Attempt> {
    const { owner, steps, models, caller, signal, log } = this.context;
    const { progress } = this;
    const candidates = await models.candidatesOf(progress.run.state);
    return caller.call(candidates, requestOf(progress, this.context.tools), {
      signal,
      deadline: Date.now() + remainingMs(progress) + BACKSTOP_MS,
      book: {
        open: (call_id, candidate) => steps.open(progress, owner, call_id, candidate),
        close: (attempt) => steps.close(progress, owner, attempt),
      },
      onEvent: (event: ChatEvent) => {
        if (event.type === 'text') log.appendToken(event.text);
      },
    });
  }

  /** Whether the answer is a step, not the end. */
  private goesOn({ reply }: Attempt): boolean {
    if (reply.tool_calls.length > 0) return true;
    return this.misfit(reply.text) !== null && repairs(this.progress.steps) < MAX_REPAIRS;
  }

  private misfit(text: string): string | null {
    return misfitOf(this.progress.run.state.output_schema, text);
  }

  private outcomeOf(attempt: Attempt): Outcome {
    const { failure, text } = attempt.reply;
    if (failure) return { status: 'failed', failure: toRunFailure(failure), call: attempt };
    const misfit = this.misfit(text);
    if (misfit === null) return { status: 'completed', failure: null, call: attempt };
    return { status: 'failed', failure: new RunFailure('output_invalid', `The answer ${misfit}`), call: attempt };
  }

  private async commit(attempt: Attempt): Promise<void> {
    const { steps, owner, log } = this.context;
    const { text, tool_calls } = attempt.reply;
    const draft = this.tools.draft(text.toWellFormed(), tool_calls);
    // What is committed as said should be in the log; should Redis be away, readers get it once it is back.
    await log.flush().catch(() => undefined);
    const logged = log.last_id;
    await persistently(() => steps.advance(this.progress, owner, attempt, draft, logged));
    const step = this.progress.steps.at(-1);
    if (step) announce(step, log);
  }
}

/** Logs a committed step, in the order of the numbers that it was committed with. */
function announce({ usage, executions }: Step, log: RunLogWriter): void {
  const events = [...(usage ? [usageEvent(usage)] : []), ...executions.map(toolCallEvent)];
  for (const { type, data } of events) log.append(type, data);
}

export const remainingMs = ({ run: { deadline_at } }: RunProgress): number =>
  Math.max(0, (deadline_at?.getTime() ?? 0) - Date.now());

const repairs = (steps: readonly Step[]): number => steps.filter(({ tool_calls }) => tool_calls.length === 0).length;

/** What keeps a run from asking a model once more. */
function limitOf({ run, steps }: RunProgress): RunFailure | undefined {
  const { state, usage } = run;
  const { max_steps = DEFAULT_MAX_STEPS, max_cost_micro_usd = null } = state;
  if (steps.length >= max_steps)
    return new RunFailure('step_limit', `The run has taken the ${max_steps} steps that its agent allows.`);
  if (max_cost_micro_usd !== null && (usage?.cost_micro_usd ?? 0) >= max_cost_micro_usd)
    return new RunFailure('budget_exceeded', 'The run has spent what its agent allows.');
  if (roughPromptTokens({ messages: messagesOf(run, steps) }) > MAX_PROMPT_TOKENS)
    return new RunFailure(
      'conversation_too_long',
      'What was said, and what tools answered, is more than any model reads.',
    );
  return undefined;
}

function requestOf({ run, steps }: RunProgress, tools: readonly LoadedTool[]): Omit<ChatRequest, 'model'> {
  const { temperature, max_output_tokens, parameters, output_schema } = run.state;
  return {
    ...parameters,
    messages: messagesOf(run, steps),
    ...(temperature !== null && { temperature }),
    ...(max_output_tokens !== null && { max_output_tokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, input_schema }) => ({ name, description, input_schema })),
    }),
    ...(output_schema && { response_format: { type: 'json_schema' as const, name: 'answer', schema: output_schema } }),
  };
}
