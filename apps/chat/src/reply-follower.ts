import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { hasEnded, terminalEvent, type ConversationRun, type RunEvent } from '@taai/contracts';
import { log, RunLogReader } from '@taai/platform';
import { asChat } from './as-chat';
import { RUNS, type Runs } from './orchestrator';
import { ReplyService } from './reply.service';

/** Runs that one replica follows at once. */
const MAX_FOLLOWED = 1000;
/** How long a run is followed, in milliseconds: a little longer than it may take. */
const FOLLOW_MS = 11 * 60_000;

interface Followed {
  control: AbortController;
  /** Never rejects. */
  done: Promise<void>;
}

/**
 * Follows the runs that this replica has started, and writes each reply when its run ends. Whatever it does not follow to the end (a run
 * that waits for a person, one too many, all when the replica stops), the event of the run's end brings to `settle`.
 */
@Injectable()
export class ReplyFollower implements BeforeApplicationShutdown {
  private readonly followed = new Map<string, Followed>();
  private stopping = false;

  constructor(
    private readonly replies: ReplyService,
    private readonly runLog: RunLogReader,
    @Inject(RUNS) private readonly runs: Runs,
  ) {}

  /** Follows the run in the background. */
  follow(run: ConversationRun): void {
    const { run_id } = run;
    if (this.stopping || this.followed.has(run_id) || this.followed.size >= MAX_FOLLOWED) return;
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), FOLLOW_MS);
    const done = asChat(() => this.bring(run, control.signal))
      .catch((error: unknown) => log.warn({ err: error, run_id }, 'a reply is left to the event relay'))
      .finally(() => {
        clearTimeout(timer);
        this.followed.delete(run_id);
      });
    this.followed.set(run_id, { control, done });
  }

  /** Follows no run any more; waits for the replies that are being written. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    for (const { control } of this.followed.values()) control.abort();
    await Promise.all([...this.followed.values()].map(({ done }) => done));
  }

  private async bring(run: ConversationRun, signal: AbortSignal): Promise<void> {
    const rebuild = () => this.lastEvent(run.run_id);
    for await (const { type } of this.runLog.read(run.run_id, { signal, rebuild })) {
      // The person may take days.
      if (type === 'approval.required') return;
    }
    if (!signal.aborted) await this.replies.settleIfAny(run);
  }

  /** All that is needed of a run whose log is lost: that it has ended. */
  private async lastEvent(id: string): Promise<RunEvent[]> {
    const run = await this.runs.outcome({ id });
    return hasEnded(run) ? [{ id: Number.MAX_SAFE_INTEGER, ...terminalEvent(run) }] : [];
  }
}
