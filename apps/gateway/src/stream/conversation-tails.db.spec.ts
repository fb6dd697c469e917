import type { MessagesAfter, NewestOf } from '@taai/contracts';
import { Channels, keys, whenReady, type RedisClient, type RpcClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { v7 } from 'uuid';
import { ConversationTails } from './conversation-tails';

describe('the tails of conversations', () => {
  let redis: RedisClient;
  let subscriber: RedisClient;
  let tails: ConversationTails;
  let newest: Record<string, string>;
  let questions: NewestOf[];

  beforeAll(async () => {
    [redis, subscriber] = [testRedis('commands'), testRedis('subscriber')];
    await Promise.all([whenReady(redis), whenReady(subscriber)]);
  });
  beforeEach(() => {
    newest = {};
    questions = [];
    const events = {
      after: async (_: MessagesAfter) => ({ messages: [], has_more: false }),
      newest: async (input: NewestOf) => {
        questions.push(input);
        return { newest };
      },
    };
    const rpc = { for: () => events } as unknown as RpcClient;
    tails = new ConversationTails(rpc, new Channels(subscriber));
  });
  afterEach(() => tails.beforeApplicationShutdown());
  afterAll(() => {
    redis.disconnect();
    subscriber.disconnect();
  });

  const join = (tenant_id: string, id: string) =>
    runAs({ tenant_id, permissions: [], issuer: 'gateway' }, () => tails.join(id));
  const listeners = async (id: string) => Number((await redis.pubsub('NUMSUB', keys.conversationLive(id)))[1]);

  it('hear of a message by the channel, for all readers, until the last one leaves', async () => {
    const [tenant, id] = [v7(), v7()];
    const [one, two] = [join(tenant, id), join(tenant, id)];
    expect(one.tail).toBe(two.tail);
    await until(async () => (await listeners(id)) === 1);
    const { signal } = new AbortController();
    const waits = [one, two].map(({ tail }) => tail.wait(tail.words, id, signal));
    await redis.publish(keys.conversationLive(id), '');
    await Promise.all(waits);
    one.leave();
    expect(await listeners(id)).toBe(1);
    two.leave();
    await until(async () => (await listeners(id)) === 0);
    expect(join(tenant, id).tail).not.toBe(one.tail);
  });

  it('find a message whose announcement was lost, with one question for each tenant', async () => {
    const [tenant, other] = [v7(), v7()];
    const ids = [v7(), v7(), v7()];
    const [first, second, third] = ids as [string, string, string];
    const followed = [join(tenant, first), join(tenant, second), join(other, third)];
    const control = new AbortController();
    const found: string[] = [];
    const waits = followed.map(async ({ tail }, index) => {
      await tail.wait(tail.words, ids[index] ?? '', control.signal);
      if (!control.signal.aborted) found.push(ids[index] ?? '');
    });
    newest = { [second]: v7() };
    tails.onApplicationBootstrap();
    await until(() => found.length > 0);
    await until(() => questions.length >= 2);
    expect(found).toEqual([second]);
    const asked = questions.slice(-2).map(({ conversation_ids }) => [...conversation_ids].sort());
    expect(asked).toEqual(expect.arrayContaining([[first, second].sort(), [third]]));
    control.abort();
    await Promise.all(waits);
    followed.forEach(({ leave }) => leave());
  });
});
