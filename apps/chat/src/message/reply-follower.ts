import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { hasEnded, terminalEvent, type ConversationRun, type RunEvent } from '@taai/contracts';
import { log, RunLogReader } from '@taai/platform';
import { asChat } from '../as-chat';
import { RUNS, type Runs } from '../orchestrator';
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
 * Follows the runs that this replica has started, and writes each reply when its run ends. Some runs are not followed to their
 * end: those that wait for an approval, those beyond the limit, and all when the replica stops. Their replies are written when
 * the webhook service calls `settle`, on the event of the run's end.
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

  /** Starts to follow the run in the background. */
  follow(run: ConversationRun): void {
    const { run_id } = run;
    if (this.stopping || this.followed.has(run_id) || this.followed.size >= MAX_FOLLOWED) return;
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), FOLLOW_MS);
    const done = asChat(() => this.followToEnd(run, control.signal))
      .catch((error: unknown) => log.warn({ err: error, run_id }, 'a reply is left to the event relay'))
      .finally(() => {
        clearTimeout(timer);
        this.followed.delete(run_id);
      });
    this.followed.set(run_id, { control, done });
  }

  /** Stops following, and waits for the replies that are being written. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    for (const { control } of this.followed.values()) control.abort();
    await Promise.all([...this.followed.values()].map(({ done }) => done));
  }

  private async followToEnd(run: ConversationRun, signal: AbortSignal): Promise<void> {
    const rebuild = () => this.lastEvent(run.run_id);
    for await (const { type } of this.runLog.read(run.run_id, { signal, rebuild })) {
      // An approval may take days.
      if (type === 'approval.required') return;
    }
    if (!signal.aborted) await this.replies.settleIfAny(run);
  }

  /** The last event of a run whose log is lost; none while the run goes on. */
  private async lastEvent(id: string): Promise<RunEvent[]> {
    const run = await this.runs.outcome({ id });
    return hasEnded(run) ? [{ id: Number.MAX_SAFE_INTEGER, ...terminalEvent(run) }] : [];
  }
}
