import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ProblemError, runContract, type Run, type RunEvent } from '@taai/contracts';
import { endsRun, RpcClient, RunLogReader } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import type { Seen } from '../access/principals';
import { OpenStreams } from './open-streams';
import { answerEvents, plainEvents } from './sse';
import { RunRendering, type RenderingStart } from './wires/run-rendering';
import type { Wire } from './wires/wire';

/** How long a plain request waits for its run, in milliseconds: a little longer than a run may take. */
const WAIT_MS = 11 * 60_000;
const PAUSES_MS = [100, 200, 400, 800];

/** What must be known of a run to answer with it. */
export type FollowedRun = Pick<Run, 'id' | 'conversation_id'>;

/**
 * Answers with the events of a run or once it has ended, wherever the events are: in the run's log or, once that has expired, rebuilt by
 * the orchestrator. Whether the caller may read the run must be checked before; in a conversation it is checked again when its participants
 * change.
 */
@Injectable()
export class RunEvents {
  private readonly runs;

  constructor(
    rpc: RpcClient,
    private readonly log: RunLogReader,
    private readonly streams: OpenStreams,
  ) {
    this.runs = rpc.for(runContract);
  }

  /** Answers with the events after `after` as SSE, as they happen, to the run's end. */
  stream(reply: FastifyReply, run: FollowedRun, after: number): Promise<void> {
    const answer = (signal: AbortSignal) => answerEvents(reply, this.read(run.id, after, signal), plainEvents, signal);
    return this.streams.run(reply, answer, { isResumable: true, seen: this.seen(run) });
  }

  /** The same in the frames of a wire, from `start`: to the run's end, or to where it waits for the reader. */
  render(reply: FastifyReply, run: FollowedRun, start: RenderingStart, wire: Wire): Promise<void> {
    const rendering = new RunRendering(wire, run, start);
    const answer = (signal: AbortSignal) =>
      answerEvents(reply, this.toPause(run.id, rendering, signal), rendering, signal);
    return this.streams.run(reply, answer, { isResumable: true, seen: this.seen(run) });
  }

  /**
   * What `answer` says, asked once the run has ended or waits for a person, which takes any time. Throws `deadline_exceeded` when
   * that takes too long, when nobody can answer, and when the gateway stops: never that the request was refused, because the run goes on.
   */
  finished<T>(reply: FastifyReply, run: FollowedRun, answer: () => Promise<T>): Promise<T> {
    const caller = currentCaller();
    const work = async (signal: AbortSignal) => {
      await this.waitFor(run.id, signal);
      // runAs, because the run may outlive the token that its request began with.
      return runAs(caller, () => persistently(answer, signal));
    };
    return this.streams.run(reply, work, { seen: this.seen(run) }).catch((error: unknown) => {
      throw isRefusal(error) ? goesOn(run.id) : error;
    });
  }

  /** A run in no conversation is its starter's for good. */
  private seen({ id, conversation_id }: FollowedRun): Seen | undefined {
    return conversation_id === null ? undefined : { id: conversation_id, check: () => this.runs.outcome({ id }) };
  }

  private async waitFor(runId: string, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), WAIT_MS);
    try {
      for await (const { type } of this.read(runId, 0, AbortSignal.any([signal, late.signal]))) {
        if (type === 'approval.required') return;
      }
    } finally {
      clearTimeout(timer);
    }
    signal.throwIfAborted();
    if (late.signal.aborted) throw goesOn(runId);
  }

  /** The events until the run waits for a person who has just been asked by the stream: formats of UIs end there, to be answered. */
  private async *toPause(id: string, rendering: RunRendering, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const caller = currentCaller();
    for await (const event of this.read(id, 0, signal)) {
      yield event;
      if (!rendering.mayWait) continue;
      // A pause is committed before it is logged: a run that does not wait has gone on, and more events follow.
      const { status } = await runAs(caller, () => persistently(() => this.runs.outcome({ id }), signal));
      if (status === 'waiting_approval') return rendering.pause();
    }
  }

  /** The events until the run's end or the signal. */
  private read(runId: string, after: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    const caller = currentCaller();
    // runAs, because a stream outlives the token that its request began with.
    const rebuild = () => runAs(caller, () => this.rebuilt(runId));
    return this.log.read(runId, { after, signal, rebuild });
  }

  /** All of them, or none: one message does not always carry them together. */
  private async rebuilt(id: string): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    for (;;) {
      const page = await this.runs.events({ id, after: events.at(-1)?.id ?? 0 });
      events.push(...page.events);
      if (page.events.length === 0 || page.events.some(endsRun)) return events;
    }
  }
}

const goesOn = (runId: string) =>
  new ProblemError('deadline_exceeded', `The run goes on: read it at /v1/runs/${runId}.`);

const isRefusal = (error: unknown): boolean =>
  error instanceof ProblemError && (error.status === 503 || error.status === 429);

/** Asks again what was refused, a little later each time: the work is done, and only its answer is missing. */
async function persistently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
  return ask();
}
