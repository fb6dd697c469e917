import type { RedisClient } from '@taai/platform';
import type { Result } from 'ioredis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** Milliseconds that the breaker stays open, 0 when a probe is due; null: it is closed. */
    recordCalls(key: string, ...args: (string | number)[]): Result<number | null, Context>;
    /** Milliseconds to wait; 0: the asker makes the probe; null: the breaker is closed. */
    askBreaker(key: string, ...args: (string | number)[]): Result<number | null, Context>;
    settleProbe(key: string, ...args: (string | number)[]): Result<number, Context>;
    /** Redis' time, until when the breaker is open (0: it is closed), calls, failures. */
    readBreaker(key: string, window_ms: number): Result<[number, number, number, number], Context>;
  }
}

// The hash has the calls c<slot> and the failures f<slot> of each tenth of the window, open_until unless the breaker is closed, and
// probe and probe_until while one is made. One without traffic is forgotten, and so closed, after ten minutes.
const shared = `
local KEEP = 600000
local SLOTS = 10
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local open_until = tonumber(redis.call('HGET', KEYS[1], 'open_until') or 0)

local function count(window)
  local oldest = math.floor((now - window) / (window / SLOTS))
  local sums = { c = 0, f = 0 }
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    local kind, slot = string.match(fields[i], '^([cf])(%d+)$')
    if kind and tonumber(slot) <= oldest then
      redis.call('HDEL', KEYS[1], fields[i])
    elseif kind then
      sums[kind] = sums[kind] + fields[i + 1]
    end
  end
  return sums.c, sums.f
end

local function open(cool, channel, name)
  redis.call('HSET', KEYS[1], 'open_until', now + cool)
  redis.call('PUBLISH', channel, name .. ' ' .. cool)
end
`;

// ARGV: calls, failures, window, fewest calls, percentage, cooling, channel, name. Calls that end while the breaker is open are
// counted, but began before and open nothing again.
const record = `${shared}
local slot = math.floor(now / (ARGV[3] / SLOTS))
redis.call('HINCRBY', KEYS[1], 'c' .. slot, ARGV[1])
redis.call('HINCRBY', KEYS[1], 'f' .. slot, ARGV[2])
redis.call('PEXPIRE', KEYS[1], KEEP)
if open_until > 0 then return math.max(0, open_until - now) end
local calls, failures = count(tonumber(ARGV[3]))
if calls < tonumber(ARGV[4]) or failures * 100 < calls * ARGV[5] then return false end
open(ARGV[6], ARGV[7], ARGV[8])
return tonumber(ARGV[6])
`;

// ARGV: the asker's token, milliseconds for a probe.
const ask = `${shared}
if open_until == 0 then return false end
local probe_until = tonumber(redis.call('HGET', KEYS[1], 'probe_until') or 0)
local wait = math.max(open_until, probe_until) - now
if wait > 0 then return wait end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probe_until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], KEEP)
return 0
`;

// ARGV: the prober's token, health, cooling, channel, name.
const settle = `${shared}
if redis.call('HGET', KEYS[1], 'probe') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
if ARGV[2] == 'well' then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', ARGV[4], ARGV[5])
elseif ARGV[2] == 'unwell' then
  open(ARGV[3], ARGV[4], ARGV[5])
end
return 1
`;

const read = `${shared}
return { now, open_until, count(tonumber(ARGV[1])) }
`;

/** Teaches the connection the four. Opening and closing are published as `<name> <milliseconds>` and `<name>`. */
export function defineBreakerScripts(redis: RedisClient): void {
  redis.defineCommand('recordCalls', { numberOfKeys: 1, lua: record });
  redis.defineCommand('askBreaker', { numberOfKeys: 1, lua: ask });
  redis.defineCommand('settleProbe', { numberOfKeys: 1, lua: settle });
  redis.defineCommand('readBreaker', { numberOfKeys: 1, lua: read });
}
