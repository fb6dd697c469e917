import type { Result } from 'ioredis';
import type { RedisClient } from '@taai/platform';

/**
 * KEYS[1]: what is so in a conversation, each entry `fact|socket` scored by the time at which it is over. ARGV: how many entries are added,
 * these entries each followed by how many milliseconds it holds, and the entries that are over now. Returns the facts that have begun and
 * those that are over, by this call or by time, and all that hold. Facts are told apart from the sockets that vouch for them: so each change
 * is answered to one caller, who tells of it.
 */
const KEEP_PRESENCE = `
  local function facts()
    local set, list = {}, {}
    for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local fact = string.match(entry, '^[^|]+')
      if not set[fact] then list[#list + 1] = fact end
      set[fact] = true
    end
    return set, list
  end
  local function lacking(list, set)
    local found = {}
    for _, fact in ipairs(list) do if not set[fact] then found[#found + 1] = fact end end
    return found
  end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local before, list_before = facts()
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local added = tonumber(ARGV[1])
  for at = 2, added * 2, 2 do redis.call('ZADD', KEYS[1], now + ARGV[at + 1], ARGV[at]) end
  for at = added * 2 + 2, #ARGV do redis.call('ZREM', KEYS[1], ARGV[at]) end
  local after, list_after = facts()
  local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2] + 60000)) end
  return { lacking(list_after, before), lacking(list_before, after), list_after }`;

/** Facts that have begun, facts that are over, and all that hold. */
export type PresenceChange = [begun: string[], over: string[], all: string[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    keepPresence(key: string, added: number, ...entries: (string | number)[]): Result<PresenceChange, Context>;
  }
}

export const definePresenceScript = (redis: RedisClient): void =>
  redis.defineCommand('keepPresence', { numberOfKeys: 1, lua: KEEP_PRESENCE });
