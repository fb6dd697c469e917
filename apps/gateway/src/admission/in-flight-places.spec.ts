import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { ProblemError } from '@taai/contracts';
import { InFlightPlaces, leaveSoon } from './in-flight-places';

describe('Places for requests', () => {
  let places: InFlightPlaces;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'performance'] });
    places = new InFlightPlaces({ places: 6, queue: 100, wait_ms: 60_000 });
  });
  afterEach(() => jest.useRealTimers());

  const response = () => new ServerResponse(new IncomingMessage(new Socket()));

  /** Enters with requests of the tenant; `begun` names those that have a place, as they get it. */
  function enter(tenant: string, count: number, begun: string[]) {
    return Array.from({ length: count }, (_, n) => {
      const answer = response();
      void places.enter(tenant, answer).then(() => begun.push(`${tenant}${n}`));
      return answer;
    });
  }

  const settled = () => new Promise((resolve) => process.nextTick(resolve));

  it('leave a newcomer room however many another tenant has sent', async () => {
    const begun: string[] = [];
    enter('a', 50, begun);
    enter('b', 1, begun);
    await settled();
    expect(begun).toEqual(['a0', 'a1', 'a2', 'a3', 'b0']);
  });

  it('are given on by turns when answers are over', async () => {
    const begun: string[] = [];
    const answers = enter('a', 50, begun);
    enter('b', 50, begun);
    await settled();
    begun.length = 0;
    for (const answer of answers.slice(0, 4)) answer.emit('close');
    await settled();
    expect(new Set(begun.map((name) => name[0]))).toEqual(new Set(['a', 'b']));
  });

  it('are not kept for clients that have left', async () => {
    places = new InFlightPlaces({ places: 1, queue: 3, wait_ms: 60_000 });
    const begun: string[] = [];
    const [first] = enter('a', 1, begun);
    const gone = response();
    const left = places.enter('a', gone).catch(({ code }: ProblemError) => code);
    const [next] = enter('a', 1, begun);
    gone.emit('close');
    expect(await left).toBe('cancelled');
    first?.emit('close');
    await settled();
    expect(begun).toHaveLength(2);
    expect(next?.listenerCount('close')).toBe(1);
  });

  it('are left by answers that last, once they have begun', async () => {
    const begun: string[] = [];
    const answers = enter('a', 5, begun);
    await settled();
    expect(begun).toHaveLength(4);
    for (const answer of answers.slice(0, 4)) leaveSoon(answer);
    jest.runAllTimers();
    await settled();
    expect(begun).toHaveLength(5);
    for (const answer of answers) answer.emit('close');
    enter('b', 4, begun);
    await settled();
    expect(begun).toHaveLength(9);
  });

  it('are refused as `overloaded` where no more may wait, after a moment, so that who comes again at once takes little', async () => {
    places = new InFlightPlaces({ places: 1, queue: 1, wait_ms: 60_000 });
    const begun: string[] = [];
    enter('a', 2, begun);
    let problem: unknown;
    void places.enter('a', response()).catch((error: unknown) => (problem = error));
    await settled();
    expect([begun, problem]).toEqual([['a0'], undefined]);
    jest.advanceTimersByTime(150);
    await settled();
    expect(problem).toMatchObject({ code: 'overloaded', retry_after: 1 });
  });
});
