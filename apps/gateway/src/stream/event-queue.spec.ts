import { EventQueue } from './event-queue';

describe('an event queue', () => {
  it('gives out what was put in, in order, and has who puts in wait for room', async () => {
    const queue = new EventQueue<number>(2);
    let put = 0;
    const putting = (async () => {
      for (let n = 1; n <= 6; n += 1) {
        await queue.put(n);
        put = n;
      }
    })();
    await settled();
    expect(put).toBe(2);
    const taken: number[] = [];
    for await (const n of queue) {
      taken.push(n);
      await settled();
      expect(put).toBeLessThanOrEqual(n + 2);
      if (n === 6) break;
    }
    await putting;
    expect(taken).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('has writers take turns', async () => {
    const queue = new EventQueue<string>(1);
    const write = async (name: string) => {
      for (let n = 0; n < 3; n += 1) await queue.put(name);
    };
    void write('a');
    void write('b');
    const taken: string[] = [];
    for await (const name of queue) if (taken.push(name) === 6) break;
    expect(taken).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('that has ended gives out nothing, and nobody waits for room', async () => {
    const queue = new EventQueue<number>(1);
    await queue.put(1);
    const waiting = queue.put(2);
    queue.end();
    await waiting;
    await queue.put(3);
    expect(await Array.fromAsync(queue)).toEqual([]);
  });

  it('that has failed says so', async () => {
    const queue = new EventQueue<number>(1);
    const reading = Array.fromAsync(queue);
    queue.fail(new Error('broken'));
    queue.fail(new Error('more'));
    await expect(reading).rejects.toThrow('broken');
  });
});

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
