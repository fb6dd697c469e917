import { services, type ServiceName } from '../../libs/contracts/src/contract.ts';
import type { Fleet } from '../fleet.ts';
import { describeError } from '../lib/user-error.ts';

const seconds = (since: number) => `${((Date.now() - since) / 1_000).toFixed(1)} s`;

/** Whether every replica runs: one whose code was broken may have ended. */
const runs = ({ processes }: Fleet, service: ServiceName) => processes[service].every(({ isRunning }) => isRunning);

/**
 * Builds, and starts the services anew whose code changed. Says in a line what it does; what does not build or start is said, and the
 * rest goes on until the next change.
 */
export async function renewChanged(fleet: Fleet, rebuild: () => Promise<Set<string>>): Promise<void> {
  const startedAt = Date.now();
  const changed = await rebuild().catch(() => undefined); // esbuild has said why
  if (!changed) return console.log('This does not build; what runs goes on.');
  const concerned = services.filter((service) => changed.has(service) || !runs(fleet, service));
  const built = `Built in ${seconds(startedAt)}`;
  if (concerned.length === 0) return console.log(`${built}; no service is concerned.`);
  console.log(`${built}; starting ${concerned.join(', ')} again …`);
  const renewals = await Promise.allSettled(concerned.map((service) => fleet.renew(service)));
  for (const renewal of renewals) if (renewal.status === 'rejected') console.log(describeError(renewal.reason));
  console.log(`Done after ${seconds(startedAt)}.`);
}
