import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Result } from 'ioredis';
import { REDIS } from '../bootstrap';
import { log } from '../observability/logger';
import { Periodic } from '../periodic';
import { keys } from '../redis/keys';
import { messageOf, type RedisClient } from '../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    noteRunLog(logs: string, bytes: string, ...args: (string | number)[]): Result<string[], Context>;
  }
}

// KEYS: the tenant's logs by the time of their end, and how many bytes they have together. ARGV: run, its bytes, now in ms, how long logs
// live in ms, most bytes. Returns the runs whose logs are to go: the oldest beyond the bound, and those that have expired.
const noteRunLog = `
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1] .. ':' .. ARGV[2])
local total = redis.call('INCRBY', KEYS[2], ARGV[2])
local gone = {}
while true do
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if #oldest == 0 or (total <= tonumber(ARGV[5]) and tonumber(oldest[2]) > ARGV[3] - ARGV[4]) then break end
  local run, bytes = string.match(oldest[1], '^(.*):(%d+)$')
  redis.call('ZREM', KEYS[1], oldest[1])
  total = redis.call('DECRBY', KEYS[2], bytes)
  gone[#gone + 1] = run
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return gone
`;

/** How long the log of a run lives that has ended. */
export const RUN_LOG_SECONDS = 24 * 60 * 60;
const LIFE_MS = RUN_LOG_SECONDS * 1000;

/** Of the ended runs of one tenant. */
const TENANT_BYTES = 64 * 1024 * 1024;
const LOOK_MS = 5000;
/** Of the memory that Redis may use. */
const MOST_USED = 0.75;
/** Logs that are dropped before Redis is asked again. */
const BATCH = 200;

/**
 * Bounds what the logs of ended runs take of Redis: by bytes per tenant, and all together once Redis has used three quarters of its memory.
 * The oldest go first; who reads one of them is given the events from the database.
 */
@Injectable()
export class RunLogRoom implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly looking = new Periodic(LOOK_MS, () => this.relieve());

  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    if (!Object.hasOwn(redis, 'noteRunLog')) redis.defineCommand('noteRunLog', { numberOfKeys: 2, lua: noteRunLog });
  }

  onApplicationBootstrap(): void {
    this.looking.wake();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.looking.stop();
  }

  /** Notes that a run has ended, and drops the tenant's oldest logs beyond its share. What fails is left to the logs' expiry. */
  async ended(tenant_id: string, run_id: string, most = TENANT_BYTES): Promise<void> {
    try {
      const bytes = (await this.redis.memory('USAGE', keys.runLog(run_id))) ?? 0;
      const [logs, total] = [keys.runLogs(tenant_id), keys.runLogBytes(tenant_id)];
      const now = Date.now();
      const gone = await this.redis.noteRunLog(logs, total, run_id, bytes, now, LIFE_MS, most);
      await this.redis.zadd(keys.endedRuns(), now, run_id);
      await this.drop(gone);
    } catch (error) {
      log.warn({ reason: messageOf(error), run_id }, 'the log of a run is not counted');
    }
  }

  /** Drops the oldest logs of all tenants while Redis is short of memory. Resolves to how many. */
  async relieve(isShort = () => this.isShort()): Promise<number> {
    await this.redis.zremrangebyscore(keys.endedRuns(), 0, Date.now() - LIFE_MS);
    let dropped = 0;
    while (await isShort()) {
      const popped = await this.redis.zpopmin(keys.endedRuns(), BATCH);
      const runs = popped.filter((_, index) => index % 2 === 0);
      if (runs.length === 0) break;
      await this.drop(runs);
      dropped += runs.length;
    }
    if (dropped > 0) log.warn({ logs: dropped }, 'logs of runs are dropped early, because Redis is short of memory');
    return dropped;
  }

  private async isShort(): Promise<boolean> {
    const info = await this.redis.info('memory');
    const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const most = figure('maxmemory');
    return most > 0 && figure('used_memory') > most * MOST_USED;
  }

  /** One command for each: the logs of different runs may lie on different nodes. */
  private async drop(runs: readonly string[]): Promise<void> {
    await Promise.all(runs.map((run) => this.redis.unlink(keys.runLog(run), keys.runLogOwner(run))));
  }
}
