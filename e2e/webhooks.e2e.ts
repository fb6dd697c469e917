import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant } from './support/tenant';

const { anonymous } = sharedFleet();

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

describe('webhooks', () => {
  const received: Received[] = [];
  let receiver: Server;
  let url: string;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });

  afterAll(() => new Promise((resolve) => receiver.close(resolve)));

  it('bring task.created, signed, once, and to its tenant alone', async () => {
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
    const { headers, body } = received[0] as Received;
    const event = new Webhook(webhook.body['secret']).verify(body, headers as Record<string, string>);
    expect(event).toMatchObject({ type: 'task.created', tenant_id: tenant.tenant_id, data: { id: task.body['id'] } });
    expect(() => new Webhook(webhook.body['secret']).verify(`${body} `, headers as Record<string, string>)).toThrow();
  });

  it('refuse addresses that no tenant may reach', async () => {
    const { client } = await newTenant(anonymous);
    for (const address of ['http://169.254.169.254/latest/meta-data', 'http://10.0.0.1/', 'http://[fd00::1]/']) {
      const answer = await client.post('/v1/webhooks', { url: address, events: ['task.created'] });
      expect(answer).toMatchObject({ status: 422, body: { code: 'url_not_allowed' } });
    }
  });
});
