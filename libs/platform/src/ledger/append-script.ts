import type { Result } from 'ioredis';
import type { RedisClient } from '../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendLedger(stream: string, bound: number, ...args: (string | number)[]): Result<number[], Context>;
  }
}

// ARGV: bound, then of each entry whether it must be taken (1), and its body.
const lua = `
local size = redis.call('XLEN', KEYS[1])
local taken = {}
for i = 2, #ARGV, 2 do
  if ARGV[i] == '1' or size < tonumber(ARGV[1]) then
    redis.call('XADD', KEYS[1], '*', 'entry', ARGV[i + 1])
    size = size + 1
    taken[#taken + 1] = 1
  else
    taken[#taken + 1] = 0
  end
end
return taken
`;

/** Defines `appendLedger` on the connection: it appends entries in their order, and returns 1 for each that there was room for, else 0. */
export function defineAppendLedger(redis: RedisClient): void {
  if (!Object.hasOwn(redis, 'appendLedger')) redis.defineCommand('appendLedger', { numberOfKeys: 1, lua });
}
