import { setImmediate as turn } from 'node:timers/promises';
import { KeyedSemaphore, Semaphore } from './semaphore';

const refused = { code: 'overloaded', extras: { retry_after: 5 } };

describe('Semaphore', () => {
  it('runs as many as it has slots, then the waiting in order, and refuses the rest', async () => {
    const semaphore = new Semaphore({ slots: 2, waiting: 1, max_wait_ms: 60_000 });
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
    await expect(semaphore.run(async () => 3)).rejects.toMatchObject(refused);
    gates[1]?.resolve();
    await turn();
    expect(started).toEqual([0, 1, 2]);
    gates[0]?.resolve();
    gates[2]?.resolve();
    await Promise.all(runs);
    await expect(semaphore.run(async () => 'free again')).resolves.toBe('free again');
  });

  it('refuses who has waited too long, and nobody else', async () => {
    const semaphore = new Semaphore({ slots: 1, waiting: 2, max_wait_ms: 20 });
    const gate = Promise.withResolvers<void>();
    const running = semaphore.run(() => gate.promise);
    const impatient = semaphore.run(async () => 'never');

    await expect(impatient).rejects.toMatchObject(refused);
    const next = semaphore.run(async () => 'next');
    gate.resolve();

    await expect(next).resolves.toBe('next');
    await running;
    await expect(semaphore.run(async () => 'free again')).resolves.toBe('free again');
  });

  it('frees the slot of what failed', async () => {
    const semaphore = new Semaphore({ slots: 1, waiting: 0, max_wait_ms: 60_000 });
    await expect(semaphore.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(semaphore.run(async () => 'free again')).resolves.toBe('free again');
  });
});

test('KeyedSemaphore lets those with the same key wait for each other alone', async () => {
  const semaphore = new KeyedSemaphore({ slots: 1, waiting: 1, max_wait_ms: 60_000 });
  const gate = Promise.withResolvers<void>();
  const [first, second] = [semaphore.run('a', () => gate.promise), semaphore.run('a', async () => 'second')];

  await expect(semaphore.run('a', async () => 'third')).rejects.toMatchObject(refused);
  await expect(semaphore.run('b', async () => 'other')).resolves.toBe('other');
  gate.resolve();

  await first;
  await expect(second).resolves.toBe('second');
});
