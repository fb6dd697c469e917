import { setImmediate as turn } from 'node:timers/promises';
import { Semaphore } from './semaphore';

describe('Semaphore', () => {
  it('runs as many as it has slots, then the waiting in order, and refuses the rest', async () => {
    const semaphore = new Semaphore(2, 1);
    const started: number[] = [];
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const runs = gates.map((gate, n) =>
      semaphore.run(() => {
        started.push(n);
        return gate.promise;
      }),
    );

    await turn();
    expect(started).toEqual([0, 1]);
    await expect(semaphore.run(async () => 3)).rejects.toMatchObject({
      code: 'overloaded',
      extras: { retry_after: 1 },
    });
    gates[1]?.resolve();
    await turn();
    expect(started).toEqual([0, 1, 2]);
    gates[0]?.resolve();
    gates[2]?.resolve();
    await Promise.all(runs);
    await expect(semaphore.run(async () => 'free again')).resolves.toBe('free again');
  });

  it('frees the slot of what failed', async () => {
    const semaphore = new Semaphore(1, 0);
    await expect(semaphore.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(semaphore.run(async () => 'free again')).resolves.toBe('free again');
  });
});
