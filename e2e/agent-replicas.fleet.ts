import { randomUUID } from 'node:crypto';
import { pdf, png } from '@taai/files-testing';
import { startBucket, type TestBucket } from '../libs/files/src/store/bucket.testing';
import { Client } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { upload } from './support/files';
import { sandboxCall } from './support/sandbox';
import { newAgent, newTenant } from './support/tenant';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

/** As many as the free plan allows. */
const AT_ONCE = 5;
const MOST_ROUNDS = 50;

let own: TestFleet;
let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
  own = await startTestFleet('own', { replicas: { orchestrator: 2 }, env: bucket.env });
});
afterAll(async () => {
  await own?.stop();
  await bucket?.close();
});

describe('two replicas of the orchestrator', () => {
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

describe('a fleet with a bucket', () => {
  it('keeps files there, shows them to models, and leaves none', async () => {
    const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] ?? ''));
    const { client, tenant_id } = tenant;
    const agent_id = await newAgent(tenant, own.sandboxUrl);
    const uploaded = (await upload(client, pdf, 'report.pdf')).body['id'] as string;
    const conversation = (await client.post('/v1/conversations', { agent_id })).body['id'] as string;
    const mark = randomUUID();
    const url = `data:image/png;base64,${png(640, 480).toString('base64')}`;
    const sent = await client.post(`/v1/conversations/${conversation}/messages`, {
      content: `Look ${mark}`,
      attachments: [{ file_id: uploaded }, { url }],
    });
    expect(sent).toMatchObject({ status: 201, body: { reply: { role: 'assistant' } } });
    const media = (await sandboxCall(own.sandboxUrl, mark)).messages.flatMap((message) => message.media ?? []);
    expect(media.map(({ bytes }) => bytes)).toEqual([pdf.length, png(640, 480).length]);
    expect(await bucket.keys()).toHaveLength(2);
    const content = await client.fetch('GET', `/v1/files/${uploaded}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(pdf)).toBe(true);

    expect((await client.delete(`/v1/files/${uploaded}`)).status).toBe(204);
    expect(await bucket.keys()).toHaveLength(1);
    await client.delete('/v1/tenant');
    await asSuperuser(own.adminDatabaseUrl, 'update tenants set delete_at = now() where id = $1', [tenant_id]);
    await eventually(async () => expect(await bucket.keys()).toEqual([]), 40);
  });
});
