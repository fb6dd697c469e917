import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent, RunEventData, RunEventType } from '@taai/contracts';
import type { Result } from 'ioredis';
import { keys } from '../redis/keys';
import type { RedisClient } from '../redis/redis';
import { fromEntry } from './run-events';
import { RUN_LOG_SECONDS } from './run-log-room';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendRunLog(log: string, owner: string, ...args: (string | number)[]): Result<number, Context>;
  }
}

// KEYS: log, owner. ARGV: writer, channel, events to keep, seconds to keep them, message, then id, type and data of each event.
// Appends to the log and publishes, unless another writer owns the log (0). It appends only what is not there yet, so that a write whose
// reply was lost can be repeated.
const appendRunLog = `
local owner = redis.call('GET', KEYS[2])
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local top = newest and tonumber(string.match(newest[1], '^%d+')) or 0
if owner ~= ARGV[1] and (owner or top >= tonumber(ARGV[6])) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[4])
for i = 6, #ARGV, 3 do
  if tonumber(ARGV[i]) > top then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[i] .. '-0', 't', ARGV[i + 1], 'd', ARGV[i + 2])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[2], ARGV[5])
return 1
`;

/** An event on its way: the type of its data is that of its type, as `append` requires. */
type Waiting = Pick<RunEvent, 'id' | 'type' | 'data'>;

const CLOSE_MS = 10_000;
const RETRY_MS = 250;

/** Another replica writes the log: this one's work on the run is void and must stop. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor() {
    super('Another replica has taken the run over.');
  }
}

export interface RunLogWriterOptions {
  /** Called once, when the log turns out to belong to another writer. */
  onLost?: () => void;
  /** About how many events a log keeps. */
  max_events?: number;
  expire_seconds?: number;
  /** Characters of tokens that may wait while Redis takes none. With more all are dropped, and readers notice the gap. */
  max_waiting?: number;
}

/**
 * Writes the events of one run, numbered 1, 2, …, to its log and to its live channel. The events of a tick go out in one command, and
 * tokens that wait become one event, and so does reasoning. What Redis does not take waits, within a bound, for the next write.
 */
export class RunLogWriter {
  private readonly id = crypto.randomUUID();
  private readonly log: string;
  private readonly owner: string;
  private readonly live: string;
  private waiting: Waiting[] = [];
  private waitingLength = 0;
  private writing: Promise<void> | undefined;
  private scheduled = false;
  private lost = false;
  private last = 0;
  private sent = 0;

  /** The writer of a run that nobody has worked on yet. */
  constructor(
    private readonly redis: RedisClient,
    runId: string,
    private readonly options: RunLogWriterOptions = {},
  ) {
    if (!Object.hasOwn(redis, 'appendRunLog'))
      redis.defineCommand('appendRunLog', { numberOfKeys: 2, lua: appendRunLog });
    this.log = keys.runLog(runId);
    this.owner = keys.runLogOwner(runId);
    this.live = keys.runLive(runId);
  }

  /** The writer of a run that another replica left: goes on after its last event, and shuts that replica out should it come back. */
  static async takeOver(redis: RedisClient, runId: string, options: RunLogWriterOptions = {}): Promise<RunLogWriter> {
    const writer = new RunLogWriter(redis, runId, options);
    await redis.set(writer.owner, writer.id, 'EX', writer.expiry);
    const [newest] = await redis.xrevrange(writer.log, '+', '-', 'COUNT', 1);
    if (newest) writer.last = fromEntry(newest).id;
    return writer;
  }

  /** The id of the newest event, written or waiting; 0 when there is none. */
  get last_id(): number {
    return this.last;
  }

  /** Numbers an event and writes it soon. */
  append<T extends RunEventType>(type: T, data: RunEventData[T]): void {
    this.waiting.push({ id: ++this.last, type, data });
    this.schedule();
  }

  /** Logs an event under the number that it was committed with, which is greater than all before. */
  restore(event: RunEvent): void {
    this.last = event.id;
    this.waiting.push(event);
    this.schedule();
  }

  /** Appends a piece of the answer, to the piece before it if that still waits. */
  appendToken(text: string): void {
    this.appendPiece('token', text);
  }

  /** The same with a piece of what the model thinks aloud. */
  appendReasoning(text: string): void {
    this.appendPiece('reasoning', text);
  }

  /**
   * Resolves when every event so far is in the log.
   *
   * @throws LeaseLost when another writer has the log, else what Redis failed with; then the events wait on.
   */
  async flush(): Promise<void> {
    while (this.waiting.length > 0 || this.writing) {
      this.writing ??= this.write().finally(() => (this.writing = undefined));
      await this.writing;
    }
    if (this.lost) throw new LeaseLost();
  }

  /**
   * Flushes, trying again for `ms` at most while Redis fails. What is not written then, readers take from the database.
   *
   * @throws as `flush`.
   */
  async close(ms = CLOSE_MS): Promise<void> {
    const deadline = Date.now() + ms;
    for (;;) {
      try {
        return await this.flush();
      } catch (error) {
        if (error instanceof LeaseLost || Date.now() > deadline) {
          this.take();
          throw error;
        }
        await delay(RETRY_MS);
      }
    }
  }

  private appendPiece(type: 'token' | 'reasoning', text: string): void {
    this.waitingLength += text.length;
    if (this.waitingLength > (this.options.max_waiting ?? 1024 * 1024)) this.take();
    const newest = this.waiting.at(-1);
    // One that was sent may be in the log, whatever became of the reply.
    if (newest?.type === type && 'text' in newest.data && newest.id > this.sent)
      newest.data = { text: newest.data.text + text };
    else this.append(type, { text });
  }

  private get expiry(): number {
    return this.options.expire_seconds ?? RUN_LOG_SECONDS;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => void this.attempt());
  }

  // Fails silently: who needs to know calls flush, which fails the same way. Meanwhile tokens gather.
  private async attempt(): Promise<void> {
    await this.flush().catch(() => delay(RETRY_MS));
    this.scheduled = false;
    if (this.waiting.length > 0 && !this.lost) this.schedule();
  }

  private take(): Waiting[] {
    const events = this.waiting;
    this.waiting = [];
    this.waitingLength = 0;
    return events;
  }

  private async write(): Promise<void> {
    const length = this.waitingLength;
    const events = this.take();
    this.sent = this.last;
    try {
      if (!this.lost && !(await this.send(events))) {
        this.lost = true;
        this.options.onLost?.();
      }
    } catch (error) {
      this.waiting.unshift(...events);
      this.waitingLength += length;
      throw error;
    }
  }

  /** Whether the log is still this writer's. */
  private async send(events: Waiting[]): Promise<boolean> {
    const entries = events.flatMap(({ id, type, data }) => [id, type, JSON.stringify(data)]);
    const limits = [this.options.max_events ?? 100_000, this.expiry];
    const args = [this.id, this.live, ...limits, JSON.stringify(events), ...entries];
    return (await this.redis.appendRunLog(this.log, this.owner, ...args)) === 1;
  }
}
