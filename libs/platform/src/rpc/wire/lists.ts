import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, ReplyError } from 'ioredis';
import { log } from '../../observability/logger';
import { BLOCK_SECONDS, messageOf, whenReady, type RedisClient } from '../../redis/redis';
import { Watchdog, type Link } from './link';

const RETRY_MS = 50;
const REFUSED_MS = 1000;
const READY_MS = 1000;
const UNBLOCK_MS = 20;
const STOP_MS = 5000;
/** When a read is so late that Redis, or this process, must have stood still. */
const LATE_MS = BLOCK_SECONDS * 1000 + 500;

export interface ListReaderOptions {
  /** The reader's own: role `blocking`, watched. */
  redis: RedisClient;
  list: string;
  /** How many elements may be read next. Negative: so many of those that every other reader has left lying. Resolves when there is room. */
  room: () => number | Promise<number>;
  /** Must not throw. */
  take: (elements: string[]) => void;
}

/** Reads a list in the order in which it was written, from `start` to `stop`, across reconnections. */
export class ListReader {
  /** When Redis last answered (`performance.now()`), if only that there was nothing; undefined while the connection is down. */
  private answeredAt: number | undefined;
  private readonly watchdog: Watchdog;
  private stopping = false;
  private running: Promise<void> | undefined;
  private clientId: number | undefined;
  /** Whether something lay in the list when it was last looked at. */
  private sawSome = false;

  constructor(private readonly options: ListReaderOptions) {
    this.watchdog = new Watchdog(options.redis);
  }

  /** Whether what is written can be heard: Redis answers, as it does at the end of a read that brings nothing. */
  get isListening(): boolean {
    return this.answeredAt !== undefined && performance.now() - this.answeredAt < LATE_MS;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends the blocking read from another connection, and resolves when what it still brought has been taken. */
  async stop(link: Link): Promise<void> {
    const { redis } = this.options;
    this.stopping = true;
    let ended = false;
    const run = this.running?.then(() => (ended = true));
    for (let waited = 0; !ended && waited < STOP_MS && redis.status === 'ready'; waited += UNBLOCK_MS) {
      await this.unblock(link);
      await Promise.race([run, sleep(UNBLOCK_MS)]);
    }
    this.watchdog.stop();
    redis.disconnect();
    await run;
  }

  private async unblock(link: Link): Promise<void> {
    const { clientId } = this;
    if (clientId !== undefined) await link.command((redis) => redis.client('UNBLOCK', clientId)).catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const room = await this.options.room();
      if (this.stopping) return;
      try {
        await this.read(room);
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  private async read(count: number): Promise<void> {
    if (this.answeredAt === undefined) await this.listen();
    const answer = await (count > 0 ? this.wait(count) : this.look(-count));
    this.answeredAt = performance.now();
    if (answer) this.options.take(answer[1]);
  }

  private wait(count: number): Promise<[string, string[]] | null> {
    const { redis, list } = this.options;
    this.sawSome = false;
    return this.watchdog.watch(redis.blmpop(BLOCK_SECONDS, 1, [list], 'RIGHT', 'COUNT', count));
  }

  /** Takes nothing that another reader, who waits for it, is about to take: something has to lie there twice. */
  private async look(count: number): Promise<[string, string[]] | null> {
    const { redis, list } = this.options;
    const sawSome = this.sawSome;
    this.sawSome = (await this.watchdog.watch(redis.llen(list))) > 0;
    if (!sawSome || !this.sawSome) return null;
    return this.watchdog.watch(redis.lmpop(1, [list], 'RIGHT', 'COUNT', count));
  }

  /** Waits before the next read. Callers notice what an interrupted read may have removed from the list. */
  private async recover(error: unknown): Promise<void> {
    this.answeredAt = undefined;
    if (error instanceof ReplyError)
      log.error({ reason: messageOf(error), list: this.options.list }, 'Redis refuses a blocking read');
    await sleep(error instanceof ReplyError ? REFUSED_MS : RETRY_MS);
  }

  private async listen(): Promise<void> {
    const { redis } = this.options;
    await whenReady(redis, READY_MS);
    // Only a single server can be asked to unblock a connection; a cluster's read ends by its own time-out.
    if (redis instanceof Redis) this.clientId = await this.watchdog.watch(redis.client('ID'));
    this.answeredAt = performance.now();
  }
}

/** Lua's stack bounds how many elements one push may carry. */
const MAX_ITEMS = 500;
/** UTF-16 units in one command. */
const MAX_SIZE = 1_000_000;

export interface ListWriterOptions<T> {
  link: Link;
  /** UTF-16 units. */
  sizeOf: (item: T) => number;
  write: (list: string, items: T[]) => void;
}

/**
 * Collects items by list, and writes at once what one tick of the event loop brought (more than 500 items or 1 MB in
 * several pieces). While the link is down it keeps them; the owner bounds how many there can be.
 */
export class ListWriter<T> {
  private waiting = new Map<string, T[]>();
  private scheduled = false;

  constructor(private readonly options: ListWriterOptions<T>) {
    options.link.onReady(() => this.schedule());
  }

  add(list: string, item: T): void {
    const items = this.waiting.get(list);
    if (items) items.push(item);
    else this.waiting.set(list, [item]);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = () => {
    this.scheduled = false;
    if (!this.options.link.ready) return;
    const { waiting } = this;
    this.waiting = new Map();
    for (const [list, items] of waiting) this.writeInPieces(list, items);
  };

  private writeInPieces(list: string, items: T[]): void {
    let piece: T[] = [];
    let size = 0;
    for (const item of items) {
      const more = this.options.sizeOf(item);
      if (piece.length > 0 && (piece.length === MAX_ITEMS || size + more > MAX_SIZE)) {
        this.options.write(list, piece);
        piece = [];
        size = 0;
      }
      piece.push(item);
      size += more;
    }
    this.options.write(list, piece);
  }
}
