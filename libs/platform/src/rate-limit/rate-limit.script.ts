import type { Result } from 'ioredis';
import type { RedisClient } from '../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeRates(key: string, slack_ms: number, ...levels: (string | number)[]): Result<number[], Context>;
    readRates(key: string, ...fields: string[]): Result<number[], Context>;
    spendTokens(key: string, tokens: number): Result<number, Context>;
  }
}

/** How long a limit takes to fill up again, from nothing to all of it. */
export const WINDOW_SECONDS = 60;

// A field holds when its limit is full again (GCRA's theoretical arrival time), in microseconds since 1970 by the clock of Redis. One that
// is past is as good as none.
const shared = `
local WINDOW = ${WINDOW_SECONDS} * 1000000
local LONGEST = 3600 * 1000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function full_at(stored) return math.max(tonumber(stored or now), now) end

local function cost_of(amount, limit) return math.floor(amount * WINDOW / limit) end

local function keep(until_us, slack_ms)
  local rest = math.ceil((until_us - now) / 1000)
  if redis.call('PTTL', KEYS[1]) < rest then redis.call('PEXPIRE', KEYS[1], rest + slack_ms) end
end

-- Only users and endpoints come and go. Each new one has some of the others looked at: what is past goes as fast as it comes.
local function sweep()
  local found = redis.call('HSCAN', KEYS[1], redis.call('HGET', KEYS[1], 'cursor') or '0', 'COUNT', 16)
  redis.call('HSET', KEYS[1], 'cursor', found[1])
  for at = 1, #found[2], 2 do
    local field = found[2][at]
    if string.find(field, ':', 1, true) and tonumber(found[2][at + 1]) <= now then redis.call('HDEL', KEYS[1], field) end
  end
end
`;

// ARGV[1]: how long the hash is kept beyond its last limit; then of each level its field, its limit per window, and how much is taken.
// Answers whether it was taken, the time, and when each limit is full again: before the taking where it was refused.
const take = `${shared}
local count = (#ARGV - 1) / 3
local fields, writes, before, after = {}, {}, {}, {}
for level = 1, count do fields[level] = ARGV[level * 3 - 1] end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local admitted, is_new, last = 1, false, now
for level = 1, count do
  local limit, amount = tonumber(ARGV[level * 3]), tonumber(ARGV[level * 3 + 1])
  before[level] = full_at(stored[level])
  after[level] = before[level] + cost_of(amount, limit)
  if after[level] > now + WINDOW then admitted = 0 end
  if not stored[level] then is_new = true end
  last = math.max(last, after[level])
  writes[#writes + 1] = fields[level]
  writes[#writes + 1] = string.format('%.0f', after[level])
  if fields[level] == 'tokens' then
    writes[#writes + 1] = 'tokens_per_minute'
    writes[#writes + 1] = ARGV[level * 3]
  end
end
if admitted == 0 then return { 0, now, unpack(before) } end
redis.call('HSET', KEYS[1], unpack(writes))
if is_new then sweep() end
keep(last, tonumber(ARGV[1]))
return { 1, now, unpack(after) }
`;

// ARGV: fields. Answers the time, and when each limit is full again.
const read = `${shared}
local answer = { now }
for _, stored in ipairs(redis.call('HMGET', KEYS[1], unpack(ARGV))) do answer[#answer + 1] = full_at(stored) end
return answer
`;

// ARGV: tokens, fewer than none to give them back. It is never refused: who has spent more than there was waits, for an hour at most.
const spend = `${shared}
local stored = redis.call('HMGET', KEYS[1], 'tokens_per_minute', 'tokens')
if not stored[1] then return 0 end
local spent = full_at(stored[2]) + cost_of(tonumber(ARGV[1]), tonumber(stored[1]))
local until_us = math.min(math.max(spent, now), now + LONGEST)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.0f', until_us))
keep(until_us, 0)
return until_us
`;

/** Defines on the connection the commands that decide on rates: `takeRates`, `readRates` and `spendTokens`. */
export function defineRateScripts(redis: RedisClient): void {
  redis.defineCommand('takeRates', { numberOfKeys: 1, lua: take });
  redis.defineCommand('readRates', { numberOfKeys: 1, lua: read });
  redis.defineCommand('spendTokens', { numberOfKeys: 1, lua: spend });
}
