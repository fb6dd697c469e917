import type { Result } from 'ioredis';
import type { RedisClient } from '@taai/platform';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** How many of the wanted places are given, and how many others have. */
    holdPlaces(key: string, ...args: (string | number)[]): Result<[number, number], Context>;
  }
}

// The hash has a field for each process, `<places>:<until when>` in ms. A process that does not renew its field has none.
const lua = `
local me, held, wanted, limit, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = 0
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local count, ends = string.match(fields[i + 1], '^(%d+):(%d+)$')
  if tonumber(ends) <= now then
    redis.call('HDEL', KEYS[1], fields[i])
  elseif fields[i] ~= me then
    others = others + count
  end
end
local given = math.max(0, math.min(wanted, limit - others - held))
if held + given == 0 then
  redis.call('HDEL', KEYS[1], me)
else
  redis.call('HSET', KEYS[1], me, string.format('%d:%d', held + given, now + lease))
  redis.call('PEXPIRE', KEYS[1], lease)
end
return { given, others }
`;

export const defineConcurrencyScript = (redis: RedisClient) =>
  redis.defineCommand('holdPlaces', { numberOfKeys: 1, lua });
