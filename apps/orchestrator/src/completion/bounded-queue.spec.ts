import { BoundedQueue } from './bounded-queue';

const open = () => {
  const reader = new AbortController();
  return { reader, queue: new BoundedQueue<number>(reader.signal) };
};

describe('BoundedQueue', () => {
  it('brings everything, in order', async () => {
    const { queue } = open();
    const read = Array.fromAsync(queue);
    for (let item = 0; item < 1000; item += 1) await queue.push(item);
    queue.end();
    expect(await read).toEqual(Array.from({ length: 1000 }, (_, item) => item));
  });

  it('makes the writer wait for a slow reader', async () => {
    const { queue } = open();
    let written = 0;
    const writing = (async () => {
      for (; written < 1000; written += 1) await queue.push(written);
      queue.end();
    })();
    for await (const item of queue) expect(written - item).toBeLessThanOrEqual(64);
    await writing;
  });

  it('tells a failure after what came before it', async () => {
    const { queue } = open();
    void queue.push(1);
    queue.end(new Error('cut'));
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toThrow('cut');
  });

  it.each([
    ['leaves the loop', async ({ queue }: ReturnType<typeof open>) => void (await queue.return())],
    ['is gone', async ({ reader }: ReturnType<typeof open>) => reader.abort()],
  ])('lets the writer go when the reader %s', async (_, leave) => {
    const opened = open();
    let last: void | Promise<void> = undefined;
    for (let item = 0; item < 64; item += 1) last = opened.queue.push(item);
    expect(last).toBeInstanceOf(Promise);
    await leave(opened);
    await last;
    expect(opened.queue.push(64)).toBeUndefined();
  });
});
