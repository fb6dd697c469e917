import type { SharedFleet } from '../../scripts/test/shared-fleet';
import { Client } from './client';
import { mailTo, type TestMail } from './mail';

/** The fleet that global-setup.ts started for all files of this run. */
export function sharedFleet(): SharedFleet & { anonymous: Client; mailTo: (address: string) => Promise<TestMail> } {
  const fleet = JSON.parse(process.env['E2E_FLEET'] ?? 'null') as SharedFleet | null;
  if (!fleet) throw new Error('No fleet runs: start the tests with `npm test`.');
  return {
    ...fleet,
    anonymous: new Client(fleet.gateways[0]),
    mailTo: (address) => mailTo(fleet.mailboxUrl, address),
  };
}
