import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type { Scope } from '../../scripts/lib/run.ts';
import { emptyTally, send, type Order, type Tally } from './load.ts';

/** What the neighbour asks for, in turn. */
export interface NeighbourOrder {
  origin: string;
  orders: Record<string, Order>;
}

/** By the orders' names. */
export type NeighbourTallies = Record<string, Tally>;

/** Ten times a second: often enough that 20 s have a 99th percentile. */
const EVERY_MS = 100;

/** Serves as the neighbour: a process of its own, so that the load generator's haste is not measured with it. Each message asks for its tallies. */
export async function beNeighbour({ origin, orders }: NeighbourOrder): Promise<void> {
  const pool = new Pool(origin, { connections: 4 });
  let tallies: NeighbourTallies = {};
  process.on('message', () => {
    process.send?.(tallies);
    tallies = {};
  });
  for (;;) {
    for (const [name, order] of Object.entries(orders)) {
      void send(pool, order, (tallies[name] ??= emptyTally()));
      await delay(EVERY_MS);
    }
  }
}

/** A tenant that asks for little, all the time. `tallies` resolves to what it was answered since it was called last. */
export async function startNeighbour(scope: Scope, order: NeighbourOrder) {
  const env = { ...process.env, BENCH_NEIGHBOUR: JSON.stringify(order) };
  const neighbour = fork(fileURLToPath(import.meta.url), { env });
  await scope.defer(async () => {
    neighbour.kill();
    await once(neighbour, 'exit');
  });
  return {
    async tallies(): Promise<NeighbourTallies> {
      neighbour.send('tallies');
      const [tallies] = (await once(neighbour, 'message')) as [NeighbourTallies];
      return tallies;
    },
  };
}
