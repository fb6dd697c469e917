import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { BLOCK_SECONDS, whenReady, type RedisClient } from '../redis';
import { Watchdog } from './watchdog';

const RETRY_MS = 50;
const UNBLOCK_MS = 20;
const STOP_MS = 5000;

export interface ListReaderOptions {
  /** The reader's own: role `blocking`, watched. */
  redis: RedisClient;
  list: string;
  /** How many elements may be read now, at least 1; waits while there is no room. */
  room: () => number | Promise<number>;
  /** Must not throw. */
  take: (elements: string[]) => void;
}

/** Reads a list in the order it was written, from start to stop, whatever happens to the connection. */
export class ListReader {
  /** Since when (`performance.now()`) nothing can have been missed because the connection was down. */
  listeningSince = Infinity;
  private readonly watchdog: Watchdog;
  private stopping = false;
  private running: Promise<void> | undefined;
  private clientId: number | undefined;

  constructor(private readonly options: ListReaderOptions) {
    this.watchdog = new Watchdog(options.redis);
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends the blocking read from another connection, and resolves when what it still brought has been taken. */
  async stop(commands: RedisClient): Promise<void> {
    this.stopping = true;
    let ended = false;
    const run = this.running?.then(() => (ended = true));
    for (let waited = 0; !ended && waited < STOP_MS; waited += UNBLOCK_MS) {
      if (this.clientId !== undefined) await commands.client('UNBLOCK', this.clientId).catch(() => undefined);
      await Promise.race([run, sleep(UNBLOCK_MS)]);
    }
    this.watchdog.stop();
    this.options.redis.disconnect();
    await run;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const room = await this.options.room();
      if (this.stopping) return;
      try {
        await this.read(room);
      } catch {
        // The connection was cut; what the read may have taken along is found missing by its caller.
        this.listeningSince = Infinity;
        await sleep(RETRY_MS);
      }
    }
  }

  private async read(count: number): Promise<void> {
    const { redis, list, take } = this.options;
    if (this.listeningSince === Infinity) await this.listen();
    const answer = await this.watchdog.watch(redis.blmpop(BLOCK_SECONDS, 1, [list], 'RIGHT', 'COUNT', count));
    if (answer) take(answer[1]);
  }

  private async listen(): Promise<void> {
    const { redis } = this.options;
    await whenReady(redis);
    // Only a single server can be asked to unblock a connection; a cluster's read ends by its own time-out.
    if (redis instanceof Redis) this.clientId = await redis.client('ID');
    this.listeningSince = performance.now();
  }
}
