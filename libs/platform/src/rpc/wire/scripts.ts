import type { Result } from 'ioredis';
import type { RedisClient } from '../../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    pushBounded(list: string, bound: number, ttl_ms: number, ...elements: string[]): Result<number, Context>;
  }
}

const pushBounded = `
local room = tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1])
local accepted = math.max(0, math.min(room, #ARGV - 2))
if accepted > 0 then
  redis.call('LPUSH', KEYS[1], unpack(ARGV, 3, accepted + 2))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return accepted
`;

/**
 * Defines `pushBounded` on the connection: it appends as many elements to a list, the first ones, as fit under its bound, and
 * returns their number. The list expires when nothing was appended for `ttl_ms`.
 */
export function defineScripts(redis: RedisClient): void {
  redis.defineCommand('pushBounded', { numberOfKeys: 1, lua: pushBounded });
}
