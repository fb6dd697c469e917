import type { Exit } from '../lib/processes.ts';
import { supervise, type Supervised } from './supervise.ts';

// Jest's clock knows the global timers alone.
jest.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

/** Something that ends when it is told to, and works at once when it is started again. */
class Thing implements Supervised {
  readonly logFile = '/logs/thing.log';
  starts = 0;
  private end = Promise.withResolvers<Exit>();

  constructor(readonly name: string) {}

  get exited(): Promise<Exit> {
    return this.end.promise;
  }

  lastWords = () => 'out of luck';

  fail(): void {
    this.end.resolve({ code: null, signal: 'SIGKILL' });
  }

  restart = async (): Promise<Supervised> => {
    this.starts++;
    this.end = Promise.withResolvers();
    return this;
  };

  untilReady = async (): Promise<void> => undefined;
}

describe('What is supervised', () => {
  let said: string[];
  let [postgres, auth] = [new Thing('PostgreSQL'), new Thing('The auth service')];

  beforeEach(() => {
    jest.useFakeTimers();
    [postgres, auth] = [new Thing('PostgreSQL'), new Thing('The auth service')];
    said = [];
  });
  afterEach(() => jest.useRealTimers());

  const start = () => supervise({ servers: [postgres], services: [auth] }, (line) => said.push(line));

  it('is started again when it ends, with a line when it ends and a line when it is back', async () => {
    start();
    postgres.fail();
    await jest.advanceTimersByTimeAsync(1000);
    expect(said).toEqual([
      'PostgreSQL ended by SIGKILL (see /logs/thing.log); starting it again in 1 s …',
      'PostgreSQL is back.',
    ]);
    expect([postgres.starts, auth.starts]).toEqual([1, 0]);
  });

  it('is not blamed for what ended because a server was down', async () => {
    start();
    for (let n = 0; n < 5; n++) {
      postgres.untilReady = () => new Promise(() => undefined);
      if (n === 0) postgres.fail();
      await jest.advanceTimersByTimeAsync(1000);
      auth.fail();
      await jest.advanceTimersByTimeAsync(1000);
    }
    expect(said.filter((line) => line.startsWith('The auth service ended'))).toEqual(
      Array.from(
        { length: 5 },
        () =>
          'The auth service ended by SIGKILL while PostgreSQL was down (see /logs/thing.log); starting it again in 1 s …',
      ),
    );
    expect(auth.starts).toBe(5);
  });

  it('is given up when it ends time and again, with what it said last', async () => {
    const { gaveUp } = start();
    const givenUp = expect(gaveUp).rejects.toThrow(
      /^The auth service ended by SIGKILL, 6 times in a row; its log \(\/logs\/thing.log\) ends with:\nout of luck$/,
    );
    for (let n = 0; n < 6; n++) {
      auth.fail();
      await jest.advanceTimersByTimeAsync(2 ** n * 1000);
    }
    await givenUp;
    expect(auth.starts).toBe(5);
  });

  it('may end when it is told to stop', async () => {
    start().stop();
    postgres.fail();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(said).toEqual([]);
  });
});
