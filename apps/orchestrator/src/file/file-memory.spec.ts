import { FileMemory } from './file-memory';

const ever = new AbortController().signal;

describe('memory for files', () => {
  it('is given to who came first, and to nobody beyond what there is', async () => {
    const memory = new FileMemory(100);
    const order: string[] = [];
    const take = async (tenant: string, bytes: number) => {
      const give = await memory.take(tenant, bytes, ever);
      order.push(tenant);
      return give;
    };
    const [first, second] = [await take('a', 50), await take('b', 30)];
    const third = take('c', 40);
    const fourth = take('d', 10);
    await Promise.resolve();
    expect(order).toEqual(['a', 'b']);
    second();
    (await third)();
    first();
    (await fourth)();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes to one tenant by half at most, while others pass by', async () => {
    const memory = new FileMemory(100);
    const one = await memory.take('a', 30, ever);
    let isSecond = false;
    const two = memory.take('a', 30, ever).then((give) => {
      isSecond = true;
      return give;
    });
    (await memory.take('b', 50, ever))();
    expect(isSecond).toBe(false);
    one();
    (await two)();
    // More than a share is a share: it is never waited for in vain.
    (await memory.take('a', 1000, ever))();
  });

  it('is not waited for by who has left', async () => {
    const memory = new FileMemory(100);
    const [one, other] = [await memory.take('a', 50, ever), await memory.take('b', 50, ever)];
    const control = new AbortController();
    const left = memory.take('c', 50, control.signal);
    const stays = memory.take('d', 10, ever);
    control.abort(new Error('It was cancelled.'));
    await expect(left).rejects.toThrow('It was cancelled.');
    one();
    other();
    (await stays)();
    await expect(memory.take('e', 1, control.signal)).rejects.toThrow('It was cancelled.');
    (await memory.take('a', 50, ever))();
  });
});
