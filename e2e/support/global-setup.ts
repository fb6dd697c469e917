import { describeFleet, startSharedFleet } from '../../scripts/test/shared-fleet';
import type { TestFleet } from '../../scripts/test/test-fleet';

declare global {
  var e2eFleet: TestFleet | undefined;
}

/** Starts the fleet that all files share, unless `npm run test:watch` keeps one. */
export default async function setup(): Promise<void> {
  if (process.env['E2E_FLEET']) return;
  globalThis.e2eFleet = await startSharedFleet();
  process.env['E2E_FLEET'] = describeFleet(globalThis.e2eFleet);
}
