import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { keys } from '../../redis/keys';
import { gate, redisUrl, watchCommands } from '../fleet.testing';
import { Link } from '../wire/link';
import { ReplyWriter } from './reply-writer';

describe('ReplyWriter', () => {
  const redis = new Redis(redisUrl());
  const link = new Link(redisUrl(), 'test:replies');
  const caller = `test-${randomUUID()}`;
  const list = keys.rpcReplies(caller);
  const errors: unknown[] = [];
  const writer = new ReplyWriter(link, 'test:replica', (error) => errors.push(error));

  beforeAll(() => link.connect());
  beforeEach(async () => {
    await redis.lpush(list, ...Array.from({ length: 1000 }, () => 'unread'));
  });
  afterEach(() => redis.del(list));
  afterAll(() => {
    link.close();
    redis.disconnect();
  });

  it('keeps for a moment what a full list refuses', async () => {
    const { promise: tried, resolve } = gate();
    const stop = await watchCommands((line) => {
      if (line.includes(list) && line.includes('>0.1s/1')) resolve();
    });
    writer.send(caller, { kind: 'output', id: '0.1s/1', json: '{}' });
    await tried;
    stop();
    await redis.ltrim(list, 0, 9);
    await writer.flushed(5000);
    expect(await redis.lrange(list, 0, 0)).toEqual(['?test:replica\n[]\n>0.1s/1\n{}']);
  });

  it('gives up on a caller that goes on not reading', async () => {
    writer.send(caller, { kind: 'answer', id: '0.1', json: '{}' });
    await writer.flushed(20_000);
    expect(await redis.llen(list)).toBe(1000);
    expect(errors).toEqual([]);
  }, 30_000);
});
