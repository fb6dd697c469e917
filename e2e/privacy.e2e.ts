import { decodeJwt } from 'jose';
import { ConversationSource } from './support/chat-client';
import { allEvents, readEvents } from './support/events';
import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { LinkStream } from './support/link-stream';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

/** The place before every message. */
const NOTHING = '00000000-0000-0000-0000-000000000000';

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

  it('are shown by links, live, at any gateway, until the link is revoked, and nothing is told of who writes', async () => {
    await say(owner, 'Hello [[tokens=3]]');
    const link = (await owner.post(at('/shares'), {})).body;
    const elsewhere = anonymous.at(gateways[1]);
    const [all, live] = [
      await LinkStream.open(elsewhere, link.token, NOTHING),
      await LinkStream.open(elsewhere, link.token),
    ];
    await say(owner, 'Again [[tokens=3]]');
    const { data } = (await owner.get(at('/messages'))).body;
    const shown = (await anonymous.get(`/v1/shared/${link.token}`)).body['data'];
    await eventually(async () => expect([all.messages.length, live.messages.length]).toEqual([4, 2]));
    expect(all.messages).toEqual(shown);
    expect(live.messages).toEqual(shown.slice(2));
    expect(all.ids).toEqual(data.map(({ id }: { id: string }) => id));
    const resumed = await LinkStream.open(anonymous, link.token, data[2].id);
    await eventually(async () => expect(resumed.messages).toEqual(shown.slice(3)));

    expect((await owner.delete(`/v1/shares/${link.id}`)).status).toBe(204);
    const since = performance.now();
    for (const stream of [all, live, resumed]) expect(await stream.ended()).toMatchObject({ code: 'not_found' });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    expect((await anonymous.fetch('GET', `/v1/shared/${link.token}/events`)).status).toBe(404);
  });

  it('are gone for everybody within 5 seconds when they are deleted, and back when they are restored', async () => {
    await share(friend, 'writer');
    const { run_id } = (await say(friend, 'Hello [[tokens=3]]')).body;
    const link = (await owner.post(at('/shares'), {})).body;
    const stream = await LinkStream.open(anonymous.at(gateways[1]), link.token);
    const source = new ConversationSource(friend.at(gateways[1]), at('/events'));
    await eventually(async () => expect(source.isOpen).toBe(true));
    expect((await owner.delete(at())).status).toBe(204);
    const since = performance.now();
    expect(await stream.ended()).toMatchObject({ code: 'not_found' });
    await eventually(async () => expect(source.errors).toMatchObject([{ code: 'not_found' }]));
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    source.close();

    const paths = [at(), at('/messages'), at('/events'), `/v1/runs/${run_id}`, `/v1/runs/${run_id}/events`];
    for (const client of [owner, friend]) expect(await statuses(client, paths)).toEqual([404, 404, 404, 404, 404]);
    expect((await say(owner, 'Still there?')).status).toBe(404);
    const bin = async (client: Client) => (await client.get('/v1/conversations?deleted=true')).body['data'];
    expect([await bin(owner), await bin(friend)]).toMatchObject([[{ id: conversation }], []]);
    expect((await friend.post(at('/restore'))).status).toBe(404);

    expect(await owner.post(at('/restore'))).toMatchObject({ status: 200, body: { deleted_at: null } });
    expect((await friend.get(at('/messages'))).body['data']).toHaveLength(2);
    expect((await friend.get(`/v1/runs/${run_id}`)).status).toBe(200);
    expect((await anonymous.get(`/v1/shared/${link.token}`)).status).toBe(404);
    expect((await owner.delete(`${at()}?permanent=true`)).status).toBe(204);
    expect((await owner.post(at('/restore'))).status).toBe(404);
  });
});
