import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet, Replica } from '../fleet.ts';
import { untilReady } from '../fleet/replica.ts';
import type { Exit } from '../lib/processes.ts';
import { UserError } from '../lib/user-error.ts';

const mostFailures = 5;
const settledAfterMs = 60_000;

const describeExit = ({ code, signal }: Exit) => (signal ? `by ${signal}` : `with exit code ${code}`);

/** What is started again when it ends by itself. */
export interface Supervised {
  /** What people call it. */
  readonly name: string;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  lastWords(): string;
  /** Starts it again. It need not work yet. */
  restart(): Promise<Supervised>;
  /** Resolves when it works. */
  untilReady(): Promise<void>;
}

export interface Supervisor {
  /** Rejects, with a sentence, when something ends time and again. */
  readonly gaveUp: Promise<never>;
  /** From now on everything may end. */
  stop(): void;
}

/** The services of a fleet, as something that can be supervised. */
export const supervisedServices = (fleet: Fleet): Supervised[] =>
  Object.values(fleet.processes)
    .flat()
    .map((replica) => supervised(fleet, replica));

const supervised = (fleet: Fleet, replica: Replica): Supervised => ({
  name: `The ${replica.service} service`,
  logFile: replica.logFile,
  exited: replica.exited,
  lastWords: () => replica.lastWords(),
  restart: async () => supervised(fleet, await fleet.restart(replica)),
  untilReady: () => untilReady(replica),
});

/** What is watched; services need servers. */
export interface Watched {
  servers: readonly Supervised[];
  services: readonly Supervised[];
}

/**
 * Starts again what ends by itself, and says in a line that it ended, and in another one when it is back. After the nth failure in a row it is
 * started again in 2^(n−1) s; the sixth is one too many. What ends while a server is down is not to blame.
 */
export function supervise({ servers, services }: Watched, say: (line: string) => void = console.log): Supervisor {
  const down = new Set<string>();
  let stopped = false;

  const watch = async (first: Supervised, isServer: boolean): Promise<void> => {
    let failures = 0;
    for (let it = first; ;) {
      const startedAt = Date.now();
      const exit = await it.exited;
      if (stopped) return;
      const isBlamed = isServer || down.size === 0;
      if (Date.now() - startedAt > settledAfterMs) failures = 0;
      if (isBlamed) failures += 1;
      const ended = `${it.name} ended ${describeExit(exit)}${isBlamed ? '' : ` while ${[...down].join(' and ')} was down`}`;
      if (failures > mostFailures) throw new UserError(`${ended}, ${failures} times in a row; ${lastWordsOf(it)}`);
      if (isServer) down.add(it.name);
      const delay = 2 ** Math.max(0, failures - 1);
      say(`${ended} (see ${it.logFile}); starting it again in ${delay} s …`);
      await sleep(delay * 1_000);
      if (stopped) return;
      it = await it.restart();
      void welcome(it);
    }
  };

  /** One that ends before it works is watched all the same. */
  const welcome = (it: Supervised) =>
    it.untilReady().then(
      () => {
        down.delete(it.name);
        if (!stopped) say(`${it.name} is back.`);
      },
      () => undefined,
    );

  const watched = [
    ...servers.map((server) => watch(server, true)),
    ...services.map((service) => watch(service, false)),
  ];
  const never = new Promise<never>(() => undefined);
  const gaveUp = Promise.all(watched).then(() => never);
  return { gaveUp, stop: () => (stopped = true) };
}

const lastWordsOf = (it: Supervised) => `its log (${it.logFile}) ends with:\n${it.lastWords()}`;
