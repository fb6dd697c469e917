import { Injectable } from '@nestjs/common';
import { ProblemError, runContract, type Run, type RunEvent } from '@taai/contracts';
import { endsRun, RpcClient, RunLogReader } from '@taai/platform';
import { currentCaller, runAs, type Caller } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { Principals } from '../access/principals';

/** How long a plain request waits for its run, in milliseconds: a little longer than a run may take. */
const WAIT_MS = 11 * 60_000;

/** The events of runs, wherever they are: in the run's log or, once that has expired, rebuilt by the orchestrator. */
@Injectable()
export class RunEvents {
  private readonly runs;

  constructor(
    rpc: RpcClient,
    private readonly log: RunLogReader,
    private readonly principals: Principals,
  ) {
    this.runs = rpc.for(runContract);
  }

  /**
   * The events after `after`, as they happen, to the run's end. Whether the caller may read the run must be settled before; when
   * their access ends or changes meanwhile, so does the reading, with the ProblemError.
   */
  read(runId: string, after: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    return this.readAs(currentCaller(), runId, after, signal);
  }

  private async *readAs(caller: Caller, runId: string, after: number, gone: AbortSignal): AsyncGenerator<RunEvent> {
    // runAs, because a stream outlives the token that its request began with.
    const rebuild = () => runAs(caller, () => this.rebuilt(runId));
    const access = this.principals.watch(caller);
    try {
      yield* this.log.read(runId, { after, signal: AbortSignal.any([gone, access.signal]), rebuild });
      access.signal.throwIfAborted();
    } finally {
      access.end();
    }
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

  /**
   * The run once it has ended, or waits for a person, which takes any time. Throws `deadline_exceeded` when that takes too long;
   * the run goes on.
   */
  async finished(runId: string, reply: FastifyReply): Promise<Run> {
    const caller = currentCaller();
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const timeout = AbortSignal.timeout(WAIT_MS);
    for await (const { type } of this.read(runId, 0, AbortSignal.any([gone.signal, timeout]))) {
      if (type === 'approval.required') break;
    }
    if (timeout.aborted) throw new ProblemError('deadline_exceeded', `The run goes on: read it at /v1/runs/${runId}.`);
    return runAs(caller, () => this.runs.outcome({ id: runId }));
  }
}
