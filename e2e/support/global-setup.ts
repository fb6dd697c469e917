import type { SharedFleet } from './shared-fleet';
import { startTestFleet, type TestFleet } from './test-fleet';

declare global {
  var e2eFleet: TestFleet | undefined;
}

/** Starts the fleet that all files share, with two gateways. */
export default async function setup(): Promise<void> {
  const started = await startTestFleet('shared', { replicas: { gateway: 2 } });
  globalThis.e2eFleet = started;
  const { fleet, sandboxUrl, mailbox, adminDatabaseUrl, authSigningJwk, adminEnv } = started;
  const [first, second] = fleet.gatewayUrls;
  const gatewayLog = fleet.processes.gateway[0]?.logFile;
  if (!first || !second || !gatewayLog) throw new Error('The fleet has no two gateways.');
  const shared: SharedFleet = {
    gateways: [first, second],
    sandboxUrl,
    mailboxUrl: mailbox.url,
    adminDatabaseUrl,
    authSigningJwk,
    adminEnv,
    gatewayLog,
  };
  process.env['E2E_FLEET'] = JSON.stringify(shared);
}
