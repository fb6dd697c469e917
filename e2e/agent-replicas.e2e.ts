import { Client } from './support/client';
import { asSuperuser } from './support/database';
import { newAgent, newTenant } from './support/tenant';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

/** As many as the free plan allows. */
const AT_ONCE = 5;
const MOST_ROUNDS = 50;

describe('two replicas of the orchestrator', () => {
  let own: TestFleet;
  beforeAll(async () => {
    own = await startTestFleet('own', { replicas: { orchestrator: 2 } });
  });
  afterAll(() => own?.stop());

  /** Which replica executes each of the runs. */
  const ownersOf = async (ids: string[]) =>
    (
      await asSuperuser<{ owner: string }>(
        own.adminDatabaseUrl,
        'select lease_owner as owner from agent_runs where id = any ($1::uuid[])',
        [ids],
      )
    ).map(({ owner }) => owner);

  it('both use a change of an agent from its answer on', async () => {
    const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] ?? ''));
    const { client } = tenant;
    const agent = await newAgent(tenant, own.sandboxUrl);
    const start = () =>
      client.post(`/v1/agents/${agent}/runs`, { input: '[[slow=60000]]' }, { headers: { prefer: 'respond-async' } });
    const changed = new Set<string>();
    // Both have known the agent for a round when its last change comes.
    for (let round = 1; round <= 3 || changed.size < 2; round += 1) {
      expect(round).toBeLessThan(MOST_ROUNDS);
      const { body } = await client.patch(`/v1/agents/${agent}`, { description: `Round ${round}` });
      const runs = await Promise.all(Array.from({ length: AT_ONCE }, start));
      expect(runs.map((run) => [run.status, run.body['agent_version']])).toEqual(
        runs.map(() => [202, body['version']]),
      );
      const ids = runs.map((run) => run.body['id'] as string);
      for (const owner of await ownersOf(ids)) if (round > 1) changed.add(owner);
      await Promise.all(ids.map((id) => client.post(`/v1/runs/${id}/cancel`)));
    }
  });
});
