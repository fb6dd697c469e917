import type { RedisClient } from '@taai/platform';
import type { Result } from 'ioredis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    beginLogin(
      failures: string,
      networks: string,
      from: string,
      known: string,
      network: string,
    ): Result<[number, number], Context>;
    endLogin(
      failures: string,
      networks: string,
      from: string,
      known: string,
      network: string,
      outcome: string,
      charged: number,
    ): Result<number, Context>;
  }
}

// KEYS: failures of the account, networks it was logged in from, failures from the network, failures of the account from this network
// while it is a known one. ARGV[1]: the network, or nothing.
const shared = `
local FREE = { account = 5, network = 20 }
local DECAY = 15 * 60 * 1000
local KNOWN = 30 * 24 * 3600 * 1000
local MOST_KNOWN = 32

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function failures(key) return tonumber(redis.call('HGET', key, 'failures') or 0) end

local function rest(key) return tonumber(redis.call('HGET', key, 'next') or 0) - now end

local function set_wait(key, count, free)
  local seconds = count < free and 0 or math.min(60, 2 ^ math.min(6, count - free))
  redis.call('HSET', key, 'next', now + seconds * 1000)
  redis.call('PEXPIRE', key, DECAY)
end

local function add(key, failed, free) set_wait(key, redis.call('HINCRBY', key, 'failures', failed), free) end
`;

const begin = `${shared}
local is_known = ARGV[1] ~= '' and tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) > now - KNOWN
local charged = is_known and 4 or 1
local is_limited = ARGV[1] ~= '' and not is_known
local wait = rest(KEYS[charged])
if is_limited then wait = math.max(wait, rest(KEYS[3])) end
if wait > 0 then return { wait, 0 } end
local from_network = failures(KEYS[3])
if is_limited and from_network >= FREE.network then set_wait(KEYS[3], from_network, FREE.network) end
add(KEYS[charged], 1, FREE.account)
return { 0, charged }
`;

// ARGV: network, outcome, which of KEYS the attempt was charged to when it began; 0 for none.
const end = `${shared}
local charged = KEYS[tonumber(ARGV[3])]
if charged and ARGV[2] == 'failed' then
  add(charged, 0, FREE.account)
  if ARGV[1] ~= '' and charged == KEYS[1] then add(KEYS[3], 1, FREE.network) end
elseif charged and failures(charged) > 0 then
  add(charged, -1, FREE.account)
end
if ARGV[2] == 'succeeded' and ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -MOST_KNOWN - 1)
  redis.call('PEXPIRE', KEYS[2], KNOWN)
end
return 1
`;

/** Defines on the connection `beginLogin` (milliseconds to wait, and which of the keys was charged) and `endLogin`. */
export function defineLoginScripts(redis: RedisClient): void {
  redis.defineCommand('beginLogin', { numberOfKeys: 4, lua: begin });
  redis.defineCommand('endLogin', { numberOfKeys: 4, lua: end });
}
