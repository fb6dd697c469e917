import { ClaimLoop, type Claims } from './periodic';

/** What waits, and what became of it. */
function house(count: number, more: Partial<Claims<number>> = {}) {
  const waiting = Array.from({ length: count }, (_, n) => n);
  const batches: number[][] = [];
  const claims = {
    room: () => 2,
    claim: async (batch: number) => waiting.splice(0, batch),
    work: async (claimed: number[]) => batches.push(claimed),
    ...more,
  };
  return { waiting, batches, loop: new ClaimLoop(60_000, claims) };
}

it('claims batch by batch until one is not full', async () => {
  const { loop, batches } = house(5);
  await loop.drain();
  expect(batches).toEqual([[0, 1], [2, 3], [4]]);
});

it('has no work with nothing', async () => {
  const { loop, batches } = house(2);
  await loop.drain();
  expect(batches).toEqual([[0, 1]]);
});

it('claims as many as there is room for, and none without', async () => {
  const room = jest.fn().mockReturnValueOnce(3).mockReturnValueOnce(1).mockReturnValue(0);
  const { loop, batches, waiting } = house(9, { room });
  await loop.drain();
  expect(batches).toEqual([[0, 1, 2], [3]]);
  expect(waiting).toEqual([4, 5, 6, 7, 8]);
});

it('ends behind the batch at work when it is stopped', async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const work = async () => {
    begun.resolve();
    await goOn.promise;
  };
  const { loop, waiting } = house(6, { work });
  loop.wake();
  await begun.promise;
  const stopped = loop.stop();
  goOn.resolve();
  await stopped;
  expect(waiting).toEqual([2, 3, 4, 5]);
  await loop.drain();
  expect(waiting).toEqual([2, 3, 4, 5]);
});
