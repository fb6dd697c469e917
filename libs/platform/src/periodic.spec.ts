import { AsyncLocalStorage } from 'node:async_hooks';
import { Periodic } from './periodic';

describe('Periodic', () => {
  it('never works twice at a time, and works once more when it is woken meanwhile', async () => {
    const turns: PromiseWithResolvers<void>[] = [];
    const begin = () => {
      const turn = Promise.withResolvers<void>();
      turns.push(turn);
      return turn.promise;
    };
    const periodic = new Periodic(3_600_000, begin);
    periodic.wake();
    periodic.wake();
    periodic.wake();
    expect(turns).toHaveLength(1);
    turns[0]?.resolve();
    await new Promise(setImmediate);
    expect(turns).toHaveLength(2);
    turns[1]?.resolve();
    await periodic.stop();
    periodic.wake();
    expect(turns).toHaveLength(2);
  });

  it('comes back by itself, after a failure too', async () => {
    const third = Promise.withResolvers<void>();
    let turns = 0;
    const periodic = new Periodic(1, async () => {
      turns += 1;
      if (turns === 3) third.resolve();
      throw new Error('a failure that is meant to be reported');
    });
    periodic.wake();
    await third.promise;
    await periodic.stop();
  });

  it('waits for the work under way when it stops', async () => {
    const work = Promise.withResolvers<void>();
    const periodic = new Periodic(3_600_000, () => work.promise);
    periodic.wake();
    let stopped = false;
    const stop = periodic.stop().then(() => (stopped = true));
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    work.resolve();
    await stop;
  });

  it('belongs to no request, whoever wakes it', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen = Promise.withResolvers<string | undefined>();
    const periodic = new Periodic(3_600_000, async () => seen.resolve(context.getStore()));
    context.run('request', () => periodic.wake());
    await expect(seen.promise).resolves.toBeUndefined();
    await periodic.stop();
  });
});
