import { Pipe } from './bounded-queue';

const open = () => {
  const reader = new AbortController();
  return { reader, pipe: new Pipe<number>(reader.signal) };
};

describe('Pipe', () => {
  it('brings everything, in order', async () => {
    const { pipe } = open();
    const read = Array.fromAsync(pipe);
    for (let item = 0; item < 1000; item += 1) await pipe.push(item);
    pipe.end();
    expect(await read).toEqual(Array.from({ length: 1000 }, (_, item) => item));
  });

  it('makes the writer wait for a slow reader', async () => {
    const { pipe } = open();
    let written = 0;
    const writing = (async () => {
      for (; written < 1000; written += 1) await pipe.push(written);
      pipe.end();
    })();
    for await (const item of pipe) expect(written - item).toBeLessThanOrEqual(64);
    await writing;
  });

  it('tells a failure after what came before it', async () => {
    const { pipe } = open();
    void pipe.push(1);
    pipe.end(new Error('cut'));
    expect(await pipe.next()).toEqual({ done: false, value: 1 });
    await expect(pipe.next()).rejects.toThrow('cut');
  });

  it.each([
    ['leaves the loop', async ({ pipe }: ReturnType<typeof open>) => void (await pipe.return())],
    ['is gone', async ({ reader }: ReturnType<typeof open>) => reader.abort()],
  ])('lets the writer go when the reader %s', async (_, leave) => {
    const opened = open();
    let last: void | Promise<void> = undefined;
    for (let item = 0; item < 64; item += 1) last = opened.pipe.push(item);
    expect(last).toBeInstanceOf(Promise);
    await leave(opened);
    await last;
    expect(opened.pipe.push(64)).toBeUndefined();
  });
});
