import type { Result } from 'ioredis';
import type { RedisClient } from '@taai/platform';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** How many of the wanted places are given, how many the process may give by itself then, and how many others use. */
    holdPlaces(key: string, ...args: (string | number)[]): Result<[number, number, number], Context>;
  }
}

// The hash has a field for each process, `<used>:<spare>:<until when>` in ms. A process that does not renew its field has none. Spare places
// are counted as if they were used, so that together they are never more than the limit; each process takes a sixteenth of what is free.
const lua = `
local me, used, wanted, limit, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free, others = limit - used, 0
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local theirs, spare, ends = string.match(fields[i + 1], '^(%d+):(%d+):(%d+)$')
  if tonumber(ends) <= now then
    redis.call('HDEL', KEYS[1], fields[i])
  elseif fields[i] ~= me then
    others = others + theirs
    free = free - theirs - spare
  end
end
local given = math.max(0, math.min(wanted, free))
if used + given == 0 then
  redis.call('HDEL', KEYS[1], me)
  return { 0, 0, others }
end
local spare = math.max(0, math.floor((free - given) / 16))
redis.call('HSET', KEYS[1], me, string.format('%d:%d:%d', used + given, spare, now + lease))
redis.call('PEXPIRE', KEYS[1], lease)
return { given, spare, others }
`;

export const defineConcurrencyScript = (redis: RedisClient) =>
  redis.defineCommand('holdPlaces', { numberOfKeys: 1, lua });
