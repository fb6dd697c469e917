import { decodeJwt } from 'jose';
import { allEvents, readEvents } from './support/events';
import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, sandboxUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

const idOf = ({ token = '' }: Client) => decodeJwt(token).sub ?? '';

describe('conversations and runs inside a tenant', () => {
  let tenant: TestTenant;
  let agent: string;
  let [owner, friend, stranger] = [anonymous, anonymous, anonymous];
  let conversation: string;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    agent = await newAgent(tenant, sandboxUrl);
    owner = await colleague(tenant, 'member');
    friend = await colleague(tenant, 'member');
    stranger = await colleague(tenant, 'viewer');
  });
  beforeEach(async () => {
    conversation = (await owner.post('/v1/conversations', { agent_id: agent })).body['id'];
  });

  const at = (path = '') => `/v1/conversations/${conversation}${path}`;
  const share = (client: Client, role: 'reader' | 'writer') =>
    owner.post(at('/participants'), { user_id: idOf(client), role });
  const say = (client: Client, content: string) => client.post(at('/messages'), { content });
  const statuses = async (client: Client, paths: string[]) =>
    Promise.all(paths.map(async (path) => (await client.get(path)).status));

  it('belong to who made them, and are seen by those they are shared with', async () => {
    const { body } = await say(owner, 'Hello');
    const paths = [at(), at('/messages'), at('/participants'), `/v1/runs/${body['run_id']}`];
    const events = `/v1/runs/${body['run_id']}/events`;
    expect(await statuses(owner, paths)).toEqual([200, 200, 200, 200]);
    expect(await statuses(friend, [...paths, events])).toEqual([404, 404, 404, 404, 404]);
    expect((await friend.get('/v1/conversations')).body['data']).toEqual([]);

    expect(await share(friend, 'reader')).toMatchObject({ status: 201, body: { role: 'reader' } });
    expect(await statuses(friend, paths)).toEqual([200, 200, 200, 200]);
    expect((await allEvents(await friend.fetch('GET', events))).at(-1)).toMatchObject({ type: 'run.completed' });
    expect((await friend.get('/v1/conversations')).body['data']).toMatchObject([{ id: conversation }]);
    expect((await say(friend, 'Me too')).status).toBe(403);

    await share(friend, 'writer');
    expect(await say(friend, 'Me too')).toMatchObject({ status: 201, body: { reply: { role: 'assistant' } } });
    expect(await statuses(stranger, [...paths, events])).toEqual([404, 404, 404, 404, 404]);
    const { data } = (await owner.get(at('/messages'))).body;
    expect(data.map(({ user_id }: { user_id: string | null }) => user_id)).toEqual([
      idOf(owner),
      null,
      idOf(friend),
      null,
    ]);
  });

  it('end for who is taken out within 5 seconds, in mid-stream too, and go on for the others', async () => {
    await share(friend, 'reader');
    const body = { content: 'go on [[tokens=100 delay=100]]', stream: true };
    const own = await owner.fetch('POST', at('/messages'), { body });
    const reading = readEvents(own);
    const first = (await reading.next()).value;
    const path = `/v1/runs/${first?.data['run_id']}/events`;
    const theirs = allEvents(await friend.fetch('GET', path));
    expect((await owner.delete(at(`/participants/${idOf(friend)}`))).status).toBe(204);
    const since = performance.now();
    expect((await theirs).at(-1)).toMatchObject({ type: 'error', data: { code: 'not_found' } });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    expect((await friend.get(path)).status).toBe(404);
    let last;
    for await (const event of reading) last = event;
    expect(last).toMatchObject({ type: 'run.completed' });
  });

  it('are opened by permission, which the audit log shows, and so are webhooks and exports', async () => {
    const { client } = tenant;
    expect(await client.get(at())).toMatchObject({ status: 200 });
    const uses = '/v1/audit-logs?action=conversation.accessed';
    await eventually(async () => {
      const { data } = (await client.get(uses)).body;
      expect(data).toContainEqual(
        expect.objectContaining({
          actor_id: tenant.user_id,
          target_id: conversation,
          after: { permission: 'conversations:read_any' },
        }),
      );
    }, 10);
    await client.post('/v1/roles', { name: 'hooks', permissions: ['webhooks:*', 'tenant:export', '*:read'] });
    const hooks = await colleague(tenant, 'hooks');
    const hook = (events: string[]) => hooks.post('/v1/webhooks', { url: 'http://127.0.0.1:9/hook', events });
    expect([(await hook(['task.created'])).status, (await hook(['message.created'])).status]).toEqual([201, 403]);
    expect((await hooks.post('/v1/tenant/export', {})).status).toBe(403);
    expect((await hooks.get(at())).status).toBe(404);
  });
});
