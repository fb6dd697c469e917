import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet, Replica } from '../fleet.ts';
import type { Exit } from '../lib/processes.ts';
import { UserError } from '../lib/user-error.ts';

const mostFailures = 5;
const settledAfterMs = 60_000;

const describeExit = ({ code, signal }: Exit) => (signal ? `by ${signal}` : `with exit code ${code}`);

/** Starts services again that end by themselves. */
export interface Supervisor {
  /** Rejects, with a sentence, when a service ends time and again. */
  readonly gaveUp: Promise<never>;
  /** From now on services may end. */
  stop(): void;
}

/** After the nth failure in a row a service is started again in 2^(n−1) s; the sixth is one too many. */
export function supervise(fleet: Fleet): Supervisor {
  let stopped = false;

  const watch = async (first: Replica): Promise<void> => {
    let failures = 0;
    for (let replica = first; ;) {
      const startedAt = Date.now();
      const exit = await replica.exited;
      if (stopped) return;
      failures = Date.now() - startedAt > settledAfterMs ? 1 : failures + 1;
      const ended = `The ${replica.service} service ended ${describeExit(exit)}`;
      if (failures > mostFailures) {
        throw new UserError(
          `${ended}, ${failures} times in a row; its log (${replica.logFile}) ends with:\n${replica.lastWords()}`,
        );
      }
      const delay = 2 ** (failures - 1);
      console.log(`${ended} (see ${replica.logFile}); starting it again in ${delay} s …`);
      await sleep(delay * 1_000);
      if (stopped) return;
      replica = await fleet.restart(replica);
    }
  };

  const watched = Object.values(fleet.processes).flat().map(watch);
  const never = new Promise<never>(() => undefined);
  const gaveUp = Promise.all(watched).then(() => never);
  return { gaveUp, stop: () => (stopped = true) };
}
