import { isUnavailable, type RunEvent } from '@taai/contracts';
import { keys } from '../redis/keys';
import type { RedisClient } from '../redis/redis';
import type { Channels } from './channels';
import { endsRun, fromEntry, LiveFeed, resumeRebuilt } from './run-events';

const PAGE = 500;
/** Attempts, one per silence, to learn from the database how a run stands that its log says nothing of. */
const MAX_FAILURES = 12;

export interface ReadOptions {
  /** The id of the last event that the reader has; 0: none. */
  after?: number;
  /** Ends the reading at once. */
  signal?: AbortSignal;
  /**
   * The run's events from the database (`orchestrator.run.events`): none before its end. Asked when the log has expired, has
   * lost what comes next, or has been silent for long.
   */
  rebuild: () => Promise<readonly RunEvent[]>;
}

export interface RunLogReaderOptions {
  /** Live events that may wait for one reader; with more it goes on from the log. */
  capacity?: number;
  silence_ms?: number;
}

/** What a look at the log, or at the database in its place, brought. */
interface Found {
  events: RunEvent[];
  /** Nothing follows. */
  ended?: boolean;
  /** There is no log, or it does not have what comes next: it has expired, was cut, or was lost. */
  lacks?: 'all' | 'next';
}

/** Reads runs' logs, and follows them live; all readers of a process share one subscriber connection. */
export class RunLogReader {
  private readonly capacity: number;
  private readonly silenceMs: number;

  constructor(
    private readonly redis: RedisClient,
    private readonly channels: Channels,
    options: RunLogReaderOptions = {},
  ) {
    this.capacity = options.capacity ?? 256;
    this.silenceMs = options.silence_ms ?? 5000;
  }

  /**
   * The events of a run after `after`, in order, without gap or duplicate, up to and with its terminal event. A run that nobody
   * has begun is waited for.
   *
   * @throws what `rebuild` failed with, when it keeps failing.
   */
  async *read(runId: string, options: ReadOptions): AsyncGenerator<RunEvent, void, undefined> {
    const { signal } = options;
    const feed = new LiveFeed(runId, this.capacity);
    const unlisten = this.channels.listen(keys.runLive(runId), feed);
    const close = () => {
      unlisten();
      feed.end();
    };
    signal?.addEventListener('abort', close, { once: true });
    try {
      yield* this.follow(runId, feed, options);
    } finally {
      signal?.removeEventListener('abort', close);
      close();
    }
  }

  private async *follow(runId: string, feed: LiveFeed, { after = 0, signal, rebuild }: ReadOptions) {
    const database = patient(rebuild);
    let last = after;
    let heard = true;
    while (!signal?.aborted) {
      const found: Found = feed.stale
        ? await this.look(runId, last, heard, feed, database)
        : { events: takeNext(feed, last) };
      for (const event of found.events) {
        if (signal?.aborted) return;
        yield event;
        if (endsRun(event)) return;
        last = event.id;
      }
      if (found.ended) return;
      // Live events do not fill a hole in the log.
      heard = found.lacks === 'next' ? await feed.sleep(this.silenceMs) : await feed.wait(this.silenceMs);
      if (!heard) feed.spoil();
    }
  }

  private async look(runId: string, last: number, heard: boolean, feed: LiveFeed, database: Rebuild): Promise<Found> {
    const logged = await this.readLog(runId, last, feed);
    if (hasNews(logged) || (heard && !logged.lacks)) return logged;
    const rebuilt = await database();
    if (rebuilt.length === 0) return logged;
    // The run may have ended, and its log with it, since the first look.
    const again = await this.readLog(runId, last, feed);
    return hasNews(again) ? again : { events: resumeRebuilt(rebuilt, last), ended: true };
  }

  /**
   * One page of the log, read from the reader's last event on: whether that is there tells whether the next ones are. A Redis that is away
   * has nothing, for now.
   */
  private async readLog(runId: string, last: number, feed: LiveFeed): Promise<Found> {
    feed.refresh();
    const page = await this.redis.xrange(keys.runLog(runId), last || 1, '+', 'COUNT', PAGE).catch(unlessAway);
    if (!page) return { events: [], lacks: 'next' };
    const events = page.map(fromEntry);
    const [first] = events;
    if (first?.id !== (last || 1)) {
      if (first) feed.spoil();
      return { events: [], lacks: first ? 'next' : 'all' };
    }
    if (page.length === PAGE) feed.spoil();
    return last === 0 ? { events } : { events: events.slice(1), ended: endsRun(first) };
  }
}

type Rebuild = ReadOptions['rebuild'];

function unlessAway(error: unknown): undefined {
  if (!isUnavailable(error)) throw error;
}

const hasNews = ({ events, ended }: Found) => events.length > 0 || ended === true;

/** The live events that follow `last` one by one. After a gap the feed is stale. */
function takeNext(feed: LiveFeed, last: number): RunEvent[] {
  const events = feed.take().filter(({ id }) => id > last);
  const gap = events.findIndex(({ id }, index) => id !== last + 1 + index);
  if (gap === -1) return events;
  feed.spoil();
  return events.slice(0, gap);
}

/** A database that does not answer is asked again after the next silence; an error ends the reading when it is not the first. */
function patient(rebuild: Rebuild): Rebuild {
  let failures = 0;
  return async () => {
    try {
      const events = await rebuild();
      failures = 0;
      return events;
    } catch (error) {
      failures += 1;
      if (failures === MAX_FAILURES) throw error;
      return [];
    }
  };
}
