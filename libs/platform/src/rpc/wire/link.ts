import type { Result } from 'ioredis';
import { AttentiveClock } from '../../attentive-clock';
import { createRedis, whenReady, type RedisClient } from '../../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    pushBounded(list: string, bound: number, ttl_ms: number, ...elements: string[]): Result<number, Context>;
    pushToLiving(
      list: string,
      alive: string,
      bound: number,
      ttl_ms: number,
      ...elements: string[]
    ): Result<number, Context>;
    withdraw(list: string, ...elements: string[]): Result<number[], Context>;
  }
}

/** What `pushToLiving` answers instead of a number of elements. */
const NOBODY_READS = -1;

const pushBounded = `
local room = tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1])
local accepted = math.max(0, math.min(room, #ARGV - 2))
if accepted > 0 then
  redis.call('LPUSH', KEYS[1], unpack(ARGV, 3, accepted + 2))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return accepted
`;
const pushToLiving = `
if redis.call('EXISTS', KEYS[2]) == 0 then return ${NOBODY_READS} end
${pushBounded}`;

const withdraw = `
local removed = {}
for index, element in ipairs(ARGV) do removed[index] = redis.call('LREM', KEYS[1], 0, element) end
return removed
`;

const SYNC_MS = 10_000;
const SAMPLES = 3;
const CHECK_MS = 500;
const SILENCE_MS = 3000;

/** Holds a process's connection for RPC commands, with Redis' clock. Nothing is sent twice: commands that a lost connection interrupts are rejected. */
export class Link {
  readonly clock: RedisClock;
  private readonly redis: RedisClient;
  private readonly watchdog: Watchdog;

  constructor(url: string, connectionName: string) {
    this.redis = createRedis(url, { role: 'commands', connectionName, watched: true });
    this.redis.defineCommand('pushBounded', { numberOfKeys: 1, lua: pushBounded });
    this.redis.defineCommand('pushToLiving', { numberOfKeys: 2, lua: pushToLiving });
    this.redis.defineCommand('withdraw', { numberOfKeys: 1, lua: withdraw });
    this.watchdog = new Watchdog(this.redis);
    this.clock = new RedisClock(this.redis, this.watchdog);
  }

  /** Whether a request can be sent now: the connection is there, and the clock is measured. */
  get ready(): boolean {
    return this.redis.status === 'ready' && this.clock.synced;
  }

  onReady(listener: () => void): void {
    this.clock.onSync(listener);
  }

  /** Resolves when the link is ready; throws when Redis does not answer. */
  async connect(): Promise<void> {
    await whenReady(this.redis);
    await this.clock.sync();
  }

  /** Sends a command; it is rejected when Redis is silent for 3 s. */
  command<T>(send: (redis: RedisClient) => Promise<T>): Promise<T> {
    return this.watchdog.watch(send(this.redis));
  }

  /**
   * Appends to a list the first elements that fit under its bound, and resolves to their number. The list expires when nothing was
   * appended for `ttl_ms`.
   */
  push(list: string, bound: number, ttl_ms: number, elements: string[]): Promise<number> {
    return this.command((redis) => redis.pushBounded(list, bound, ttl_ms, ...elements));
  }

  /** The same while the key `alive` is there. Resolves to undefined, having appended nothing, when it is not. */
  async pushToLiving(
    list: string,
    alive: string,
    bound: number,
    ttl_ms: number,
    elements: string[],
  ): Promise<number | undefined> {
    const accepted = await this.command((redis) => redis.pushToLiving(list, alive, bound, ttl_ms, ...elements));
    return accepted === NOBODY_READS ? undefined : accepted;
  }

  /** Takes elements out of a list. Resolves to how often each one stood in it. */
  withdraw(list: string, elements: string[]): Promise<number[]> {
    return this.command((redis) => redis.withdraw(list, ...elements));
  }

  close(): void {
    this.clock.stop();
    this.watchdog.stop();
    this.redis.disconnect();
  }
}

/**
 * Redis' clock, the one that all processes of the fleet agree on: this process's monotonic clock plus an offset that is
 * measured with TIME after each connection and every 10 s.
 */
class RedisClock {
  synced = false;
  private offset = 0;
  private readonly listeners: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly redis: RedisClient,
    private readonly watchdog: Watchdog,
  ) {
    // A failed measurement leaves the last offset in force.
    const resync = () => void this.sync().catch(() => undefined);
    redis.on('ready', resync);
    this.timer = setInterval(resync, SYNC_MS).unref();
  }

  /** Called after each measurement. */
  onSync(listener: () => void): void {
    this.listeners.push(listener);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.at(performance.now());
  }

  /** An instant of `performance.now()` in Redis' time. */
  at(local: number): number {
    return local + this.offset;
  }

  /** An instant of Redis' time in `performance.now()`. */
  local(at: number): number {
    return at - this.offset;
  }

  /** Measures the offset: the answer that was under way for the shortest time tells it best. */
  async sync(): Promise<void> {
    let best = Infinity;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const sent = performance.now();
      const [seconds = 0, micros = 0] = await this.watchdog.watch(this.redis.time());
      const received = performance.now();
      if (received - sent >= best) continue;
      best = received - sent;
      this.offset = seconds * 1000 + micros / 1000 - (sent + received) / 2;
    }
    this.synced = true;
    for (const listener of this.listeners) listener();
  }
}

/**
 * Renews a connection that owes an answer and has been silent for 3 s. One timer for all commands, where ioredis sets and
 * clears one for each.
 */
export class Watchdog {
  private readonly clock = new AttentiveClock({ turn_ms: 2 * CHECK_MS });
  private owed = 0;
  private heardAt = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly redis: RedisClient) {
    this.timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  async watch<T>(answer: Promise<T>): Promise<T> {
    if (this.owed++ === 0) this.heardAt = this.clock.now;
    try {
      return await answer;
    } finally {
      this.owed--;
      this.heardAt = this.clock.now;
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    this.clock.tick();
    if (this.owed > 0 && this.clock.silence(this.heardAt) > SILENCE_MS) this.redis.disconnect(true);
  }
}
