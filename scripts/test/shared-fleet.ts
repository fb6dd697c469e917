import type { AdminEnvironment } from '../start/admin-file.ts';
import { startTestFleet, type TestFleet } from './test-fleet.ts';

/** What the journeys know of the fleet that they share, by the variable E2E_FLEET. */
export interface SharedFleet {
  /** Two replicas of the gateway. */
  gateways: [string, string];
  sandboxUrl: string;
  /** Where files are kept. */
  filesDir: string;
  mailboxUrl: string;
  adminDatabaseUrl: string;
  authSigningJwk: string;
  /** For the operator's command. */
  adminEnv: AdminEnvironment;
  /** File of what the first gateway logs. */
  gatewayLog: string;
}

/** The fleet that all files share, with two gateways. */
export const startSharedFleet = () => startTestFleet('shared', { replicas: { gateway: 2 } });

/** E2E_FLEET of a fleet. */
export function describeFleet(started: TestFleet): string {
  const { fleet, sandboxUrl, filesDir, mailbox, adminDatabaseUrl, authSigningJwk, adminEnv } = started;
  const [first, second] = fleet.gatewayUrls;
  const gatewayLog = fleet.processes.gateway[0]?.logFile;
  if (!first || !second || !gatewayLog) throw new Error('The fleet has no two gateways.');
  const gateways: SharedFleet['gateways'] = [first, second];
  const shared: SharedFleet = {
    gateways,
    sandboxUrl,
    filesDir,
    mailboxUrl: mailbox.url,
    adminDatabaseUrl,
    authSigningJwk,
    adminEnv,
    gatewayLog,
  };
  return JSON.stringify(shared);
}
