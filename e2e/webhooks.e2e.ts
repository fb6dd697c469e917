import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../apps/webhook/src/delivery/receiver.testing';
import { checkEvent } from './support/api-document';
import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant } from './support/tenant';

const { anonymous, mailTo, sandboxUrl } = sharedFleet();

/** Does what there are events for. */
async function liveThrough(client: Client, agents: { good: string; bad: string }): Promise<void> {
  const task = await client.post('/v1/tasks', { title: 'Live' });
  await client.patch(`/v1/tasks/${task.body['id']}`, { status: 'done' });
  await client.delete(`/v1/tasks/${task.body['id']}`);
  const conversation = await client.post('/v1/conversations', { agent_id: agents.good });
  await client.post(`/v1/conversations/${conversation.body['id']}/messages`, { content: 'Hello' });
  await client.post(`/v1/agents/${agents.bad}/runs`, { input: 'Hello' });
  const email = `${randomUUID()}@example.com`;
  await client.post('/v1/users', { email, role: 'viewer' });
  const { token } = await mailTo(email);
  await anonymous.post('/v1/auth/invites/accept', { token, password: 'correct horse battery staple' });
}

describe('webhooks', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.close());

  it('bring task.created, signed, once, and to its tenant alone', async () => {
    const { url, received } = receiver;
    const tenant = await newTenant(anonymous);
    const other = await newTenant(anonymous);
    const webhook = await tenant.client.post('/v1/webhooks', { url, events: ['task.created'] });
    expect(webhook).toMatchObject({ status: 201, body: { url, secret: expect.stringMatching(/^whsec_/) } });
    expect((await tenant.client.get(`/v1/webhooks/${webhook.body['id']}`)).body).not.toHaveProperty('secret');

    await other.client.post('/v1/tasks', { title: 'Not for you' });
    const task = await tenant.client.post('/v1/tasks', { title: 'Tell the world' });
    await tenant.client.patch(`/v1/tasks/${task.body['id']}`, { title: 'Not subscribed' });

    await eventually(async () => {
      const { body } = await tenant.client.get(`/v1/webhooks/${webhook.body['id']}/deliveries`);
      expect(body['data']).toMatchObject([{ event_type: 'task.created', status: 'delivered', last_status_code: 204 }]);
    });
    expect(received).toHaveLength(1);
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    const event = new Webhook(webhook.body['secret']).verify(body, headers);
    expect(event).toMatchObject({ type: 'task.created', tenant_id: tenant.tenant_id, data: { id: task.body['id'] } });
    expect(() => new Webhook(webhook.body['secret']).verify(`${body} `, headers)).toThrow();
  });

  it('bring every event as the API document describes it', async () => {
    const tenant = await newTenant(anonymous);
    const { client, tenant_id } = tenant;
    const types = (await client.get('/v1/webhook-event-types')).body['data'] as string[];
    const agents = {
      good: await newAgent(tenant, sandboxUrl),
      bad: await newAgent(tenant, sandboxUrl, 'sandbox-1 [[fail=400]]'),
    };
    await client.post('/v1/webhooks', { url: receiver.url, events: types });
    await liveThrough(client, agents);
    await eventually(async () => {
      const events = receiver.received.map(({ body }) => JSON.parse(body));
      const mine = events.filter((event) => event['tenant_id'] === tenant_id);
      for (const event of mine) checkEvent('DomainEvent', event);
      expect(new Set(mine.map(({ type }) => type as string))).toEqual(new Set(types));
    });
  });

  it('refuse addresses that no tenant may reach', async () => {
    const { client } = await newTenant(anonymous);
    for (const address of ['http://169.254.169.254/latest/meta-data', 'http://10.0.0.1/', 'http://[fd00::1]/']) {
      const answer = await client.post('/v1/webhooks', { url: address, events: ['task.created'] });
      expect(answer).toMatchObject({ status: 422, body: { code: 'url_not_allowed' } });
    }
  });
});
