import { ReceiveWindow } from './receive-window';

describe('The receive window of a stream', () => {
  let outputs: ReceiveWindow;
  let credits: number[];

  beforeEach(() => {
    credits = [];
    outputs = new ReceiveWindow(() => credits.push(outputs.credit));
  });

  async function all(): Promise<string[]> {
    const taken: string[] = [];
    for (let json = await outputs.take(); json !== undefined; json = await outputs.take()) taken.push(json);
    return taken;
  }

  it('are taken in order and once, however they arrive', async () => {
    const taken = all();
    for (const number of [2, 1, 2, 1, 4]) outputs.accept(number, `${number}`);
    outputs.end(5);
    expect(outputs.complete).toBe(false);
    outputs.accept(3, '3');
    outputs.accept(5, '5');
    expect(outputs.complete).toBe(true);
    expect(await taken).toEqual(['1', '2', '3', '4', '5']);
  });

  it('are none when the stream ends at once', async () => {
    const taken = all();
    outputs.end(0);
    expect(await taken).toEqual([]);
  });

  it('are known to be missing while their successors, or the end, have come', () => {
    outputs.accept(1, '1');
    expect(outputs.missing).toBeUndefined();
    outputs.accept(3, '3');
    expect(outputs.missing).toBe(2);
    outputs.accept(2, '2');
    expect(outputs.missing).toBeUndefined();
    outputs.end(4);
    expect(outputs.missing).toBe(4);
  });

  it('are granted 64 ahead of the reader, in halves', async () => {
    expect(outputs.credit).toBe(64);
    for (let number = 1; number <= 70; number++) outputs.accept(number, `${number}`);
    for (let number = 1; number <= 31; number++) await outputs.take();
    expect(credits).toEqual([]);
    expect(await outputs.take()).toBe('32');
    expect(credits).toEqual([96]);
    for (let number = 33; number <= 64; number++) expect(await outputs.take()).toBe(`${number}`);
    outputs.accept(65, 'granted now');
    expect(await outputs.take()).toBe('granted now');
  });

  it('that came before a failure are taken before it is thrown', async () => {
    outputs.accept(1, '1');
    outputs.fail(new Error('broken'));
    expect(await outputs.take()).toBe('1');
    await expect(outputs.take()).rejects.toThrow('broken');
  });
});
