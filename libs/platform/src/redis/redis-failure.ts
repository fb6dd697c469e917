import { ProblemError, unavailableBy } from '@taai/contracts';
import { ReplyError, type Cluster } from 'ioredis';
import type { RedisClient } from './redis';

/** How a server refuses what it cannot serve now: it loads, is busy, is full, cannot save, or is no master of the key. */
const REFUSALS = /^(LOADING|BUSY|OOM|MISCONF|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN) /;

/** Says what a command failed with, as callers understand it: everything but a refusal that repeats itself is `service_unavailable`. */
export function explainRedis(error: Error): Error {
  if (error instanceof ProblemError || (error instanceof ReplyError && !REFUSALS.test(error.message))) return error;
  return unavailableBy(error, 'Redis does not answer, or has no room.');
}

/** Sends a command; of a cluster the node may be named. */
type Send = Cluster['sendCommand'];

/** Has every command of the connection fail as `explainRedis` says. */
export function withFailuresExplained(redis: RedisClient): RedisClient {
  const send: Send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...sent: Parameters<Send>) => {
    const [command] = sent;
    const { reject } = command;
    command.reject = (error) => reject(explainRedis(error));
    return send(...sent);
  };
  return redis;
}
