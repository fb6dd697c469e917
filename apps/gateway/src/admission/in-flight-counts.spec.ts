import type { ProblemError } from '@taai/contracts';
import { InFlightCounts } from './in-flight-counts';

const LIMIT = 2;

describe("A tenant's requests in flight", () => {
  let counts: InFlightCounts;

  beforeEach(() => {
    jest.useFakeTimers();
    counts = new InFlightCounts();
  });
  afterEach(() => jest.useRealTimers());

  /** Resolves to `in`, or to the code of the refusal. */
  const enter = (tenant: string, limit: number | null = LIMIT) =>
    counts.enter(tenant, limit).then(
      () => 'in',
      ({ code }: ProblemError) => code,
    );

  it('are let in up to the limit, and those of others beside them', async () => {
    expect(await Promise.all([enter('a'), enter('a'), enter('b')])).toEqual(['in', 'in', 'in']);
    expect([counts.of('a'), counts.of('b')]).toEqual([2, 1]);
  });

  it('beyond it are refused in a moment, and say which limit it was', async () => {
    await Promise.all([enter('a'), enter('a')]);
    const refused = counts.enter('a', LIMIT).catch((error: unknown) => error);
    jest.runAllTimers();
    expect(await refused).toMatchObject({
      code: 'too_many_requests_in_flight',
      message: 'The tenant may have 2 requests in flight at once (requests_in_flight).',
      retry_after: 1,
    });
    expect(counts.of('a')).toBe(2);
  });

  it('take over the place of one that leaves meanwhile, in the order of their arrival', async () => {
    await Promise.all([enter('a'), enter('a')]);
    const [first, second] = [enter('a'), enter('a')];
    counts.leave('a');
    expect(await first).toBe('in');
    jest.runAllTimers();
    expect(await second).toBe('too_many_requests_in_flight');
    expect(counts.of('a')).toBe(2);
  });

  it('are not held up without a limit', async () => {
    expect(await Promise.all(Array.from({ length: 500 }, () => enter('a', null)))).toEqual(
      Array.from({ length: 500 }, () => 'in'),
    );
  });

  it('beyond a thousand that wait are refused at once', async () => {
    await enter('a', 1);
    for (let n = 0; n < 1000; n++) void enter('a', 1);
    expect(await enter('a', 1)).toBe('too_many_requests_in_flight');
  });

  it('are forgotten with the last one', async () => {
    await enter('a');
    counts.leave('a');
    expect(counts.of('a')).toBe(0);
  });
});
