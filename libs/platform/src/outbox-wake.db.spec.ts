import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { keys } from './redis/keys';
import { wakeRelay } from './outbox-wake';
import { createRedis, whenReady } from './redis/redis';
import { testRedis } from './testing';

describe('wakeRelay', () => {
  const redis = testRedis('commands');
  const publish = jest.spyOn(redis, 'publish');
  beforeAll(() => whenReady(redis));
  afterAll(() => redis.disconnect());

  it('wakes whoever listens', async () => {
    const relay = testRedis('subscriber');
    await whenReady(relay);
    await relay.subscribe(keys.outboxWake());
    const woken = once(relay, 'message');
    wakeRelay(redis);
    await expect(woken).resolves.toEqual(['outbox:wake', '']);
    relay.disconnect();
  });

  it('makes one message of many wishes', async () => {
    while (publish.mock.calls.length < 2) {
      wakeRelay(redis);
      await turn();
    }
    for (let n = 0; n < 100; n++) wakeRelay(redis);
    expect(publish).toHaveBeenCalledTimes(2);
  });

  it('fails nobody while Redis is away', async () => {
    const away = createRedis('redis://127.0.0.1:1', { role: 'commands', connectionName: 'spec' });
    wakeRelay(away);
    await turn();
    away.disconnect();
  });
});
