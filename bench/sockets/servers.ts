import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { baseUrl } from '../../scripts/fleet/ports.ts';
import { freePort } from '../../scripts/lib/ports.ts';
import type { BenchFleet } from './bench-fleet.ts';
import type { Server } from './crowded-server.ts';
import { serveCrowd } from './crowds.ts';
import { servePlain } from './plain.ts';
import { serveProvider } from './provider.ts';

/** Does what this process was forked for: to be the provider, plain Socket.IO, or clients. Resolves to false in the benchmark itself. */
export async function serveAsFork(): Promise<boolean> {
  const { BENCH_MOCK: mockPort, BENCH_PLAIN: plainPort, BENCH_CROWD: crowdAddress } = process.env;
  if (!(mockPort ?? plainPort ?? crowdAddress)) return false;
  if (mockPort) await serveProvider(Number(mockPort));
  if (plainPort) servePlain(Number(plainPort));
  if (crowdAddress) serveCrowd(crowdAddress);
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
  return true;
}

/** A server that has just been started, and new conversations there. */
export interface Fresh {
  server: Server;
  converse: (count: number) => Promise<string[]>;
}

/** Plain Socket.IO, for as long as the work takes. */
export async function withPlain<T>(program: string, work: (fresh: Fresh) => Promise<T>): Promise<T> {
  const port = await freePort();
  const child = fork(program, { env: { ...process.env, BENCH_PLAIN: String(port) } });
  await once(child, 'message');
  const server = { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, token: '' };
  const result = await work({ server, converse: async (count) => Array.from({ length: count }, () => randomUUID()) });
  child.disconnect();
  await once(child, 'exit');
  return result;
}

/** A gateway of the fleet, for as long as the work takes. */
export async function withGateway<T>(bench: BenchFleet, work: (fresh: Fresh) => Promise<T>): Promise<T> {
  const replica = await bench.fleet.addReplica('gateway');
  const server = { url: baseUrl(replica.ports.api ?? 0), pid: replica.pid, token: bench.token };
  const result = await work({ server, converse: (count) => bench.converse(count) });
  await replica.stop();
  return result;
}

/** Tells how far a benchmark is. */
export const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text} …`);
