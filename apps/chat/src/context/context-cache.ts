import { Inject, Injectable } from '@nestjs/common';
import { keys, log, messageOf, REDIS, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import type { Result } from 'ioredis';
import type { Branch, Window } from './branch';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    keepContext(context: string, contexts: string, ...args: (string | number)[]): Result<string[], Context>;
    forgetContext(context: string): Result<number, Context>;
  }
}

// KEYS: a conversation's context, and those of its tenant by the time at which they were written. ARGV: conversation, context, now in ms, how
// long contexts live in ms, most contexts. Returns the conversations whose contexts are to go. An empty context is that of a
// conversation that is deleted.
const keepContext = `
if redis.call('GET', KEYS[1]) == '' then return {} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3] - ARGV[4])
local beyond = redis.call('ZCARD', KEYS[2]) - ARGV[5]
if beyond <= 0 then return {} end
local gone = redis.call('ZRANGE', KEYS[2], 0, beyond - 1)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, beyond - 1)
return gone
`;

const forgetContext = `
if redis.call('GET', KEYS[1]) == '' then return 0 end
return redis.call('DEL', KEYS[1])
`;

const LIFE_MS = 60 * 60_000;
/** Of one context; a longer one is read from the database each time. */
const MAX_BYTES = 128 * 1024;
/** Of one tenant: together as much as the logs of its runs may take. */
const MAX_CONTEXTS = 500;
/** Counts up with the form of what is kept: another release's is not read. */
const FORM = 1;

/** A branch of a conversation as the agent was last shown it, and by which rule. */
export interface Kept {
  window: Window;
  branch: Branch;
}

/**
 * Keeps the context of each conversation in Redis for an hour. What is kept is settled: it says to which message it leads, and is the truth about it for
 * ever. Who wants to know what leads to another one does not use it. Without Redis there is nothing, and no error.
 */
@Injectable()
export class ContextCache {
  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    if (Object.hasOwn(redis, 'keepContext')) return;
    redis.defineCommand('keepContext', { numberOfKeys: 2, lua: keepContext });
    redis.defineCommand('forgetContext', { numberOfKeys: 1, lua: forgetContext });
  }

  async find(conversation_id: string): Promise<Kept | undefined> {
    const kept = await this.redis.get(keyOf(conversation_id)).catch(unheard);
    if (!kept) return undefined;
    const { form, ...context } = JSON.parse(kept) as Kept & { form: number };
    return form === FORM ? context : undefined;
  }

  async keep(conversation_id: string, kept: Kept, most = MAX_CONTEXTS): Promise<void> {
    const context = JSON.stringify({ form: FORM, ...kept });
    if (Buffer.byteLength(context) > MAX_BYTES) return;
    const { tenant_id } = currentCaller();
    const contexts = keys.conversationContexts(tenant_id);
    const args = [conversation_id, context, Date.now(), LIFE_MS, most];
    const gone = await this.redis.keepContext(keyOf(conversation_id), contexts, ...args).catch(unheard);
    if (gone && gone.length > 0) await this.redis.unlink(gone.map(keyOf)).catch(unheard);
  }

  /** The conversation is being deleted: from now on nothing is kept of it, whoever is still at work on it. */
  async bury(conversation_id: string): Promise<void> {
    await this.redis.set(keyOf(conversation_id), '', 'PX', LIFE_MS).catch(unheard);
  }

  /** Has the next turn read the database; that the conversation is deleted stays known. */
  async forget(conversation_id: string): Promise<void> {
    await this.redis.forgetContext(keyOf(conversation_id)).catch(unheard);
  }

  /** Forgets all conversations of the caller's tenant, in which nobody works any more. */
  async erase(): Promise<void> {
    const contexts = keys.conversationContexts(currentCaller().tenant_id);
    const ids = (await this.redis.zrange(contexts, 0, -1).catch(unheard)) ?? [];
    await this.redis.unlink([contexts, ...ids.map(keyOf)]).catch(unheard);
  }
}

const keyOf = (conversation_id: string): string => keys.conversationContext(currentCaller().tenant_id, conversation_id);

function unheard(error: unknown): undefined {
  log.debug({ reason: messageOf(error) }, 'contexts are read from the database');
}
