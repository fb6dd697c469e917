import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../apps/webhook/src/delivery/receiver.testing';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant } from './support/tenant';

const { anonymous } = sharedFleet();

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

  it('refuse addresses that no tenant may reach', async () => {
    const { client } = await newTenant(anonymous);
    for (const address of ['http://169.254.169.254/latest/meta-data', 'http://10.0.0.1/', 'http://[fd00::1]/']) {
      const answer = await client.post('/v1/webhooks', { url: address, events: ['task.created'] });
      expect(answer).toMatchObject({ status: 422, body: { code: 'url_not_allowed' } });
    }
  });
});
