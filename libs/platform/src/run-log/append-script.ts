import type { Result } from 'ioredis';
import type { RedisClient } from '../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendRunLog(log: string, owner: string, ...args: (string | number)[]): Result<number, Context>;
  }
}

// KEYS: log, owner. ARGV: writer, channel, events to keep, seconds to keep them, message, then id, type and data of each event.
// Appends only what is not there yet, so that a write whose reply was lost can be repeated.
const lua = `
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

/** Teaches the connection `appendRunLog`: appends to a log and publishes, unless another writer owns the log (0). */
export function defineAppendRunLog(redis: RedisClient): void {
  if (!Object.hasOwn(redis, 'appendRunLog')) redis.defineCommand('appendRunLog', { numberOfKeys: 2, lua });
}
