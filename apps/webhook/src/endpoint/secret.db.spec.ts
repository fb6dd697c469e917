import { randomBytes } from 'node:crypto';
import { log, SecretBox, SecretRotation } from '@taai/platform';
import { DeliveryService } from '../delivery/delivery.service';
import { OutboxRelay } from '../outbox/outbox.relay';
import { startReceiver } from '../delivery/receiver.testing';
import { SecretRepository } from './secret.repository';
import { createService, type Service } from '../webhook.testing';
import { WebhookService } from './webhook.service';

const newest = `${randomBytes(32).toString('base64url')}=`;
let service: Service;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let firstKey: string;

beforeAll(async () => {
  service = await createService();
  receiver = await startReceiver();
  firstKey = process.env['ENCRYPTION_KEYS'] ?? '';
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await service.close();
  await receiver.close();
});

const key_id = (key: string) => new SecretBox([key]).key_id;
const rotation = (...keys: string[]) => new SecretRotation(new SecretBox(keys), service.module.get(SecretRepository));

const register = (tenant: string) =>
  service.as(tenant, () => service.module.get(WebhookService).create({ url: receiver.url, events: ['task.created'] }));

interface Row {
  id: string;
  secret_ciphertext: string;
  secret_key_id: string | null;
}
const stored = async (tenant: string, id: string): Promise<Row> => {
  const [row] = await service.inTenant<Row>(tenant, 'select * from webhooks where id = $1', [id]);
  if (!row) throw new Error('There is no such webhook.');
  return row;
};

test('an endpoint is registered with the id of the key that encrypts its secret', async () => {
  const tenant = await service.createTenant();
  const { id } = await register(tenant);
  expect((await stored(tenant, id)).secret_key_id).toBe(key_id(firstKey));
});

test('secrets come to the newest key, those too that do not say theirs, and back', async () => {
  const [first, second] = [await service.createTenant(), await service.createTenant()];
  const webhooks = [
    { tenant: first, ...(await register(first)) },
    { tenant: second, ...(await register(second)) },
  ];
  await service.inTenant(second, 'update webhooks set secret_key_id = null');
  expect(await rotation(newest, firstKey).keys()).toEqual({
    newest: key_id(newest),
    in_use: [key_id(firstKey)],
    unrecorded: true,
  });
  const done = await rotation(newest, firstKey).reencrypt({});
  expect(done).toMatchObject({ failed: 0, remaining: 0 });
  expect(await rotation(newest).keys()).toMatchObject({ in_use: [key_id(newest)], unrecorded: false });
  for (const { tenant, id, secret } of webhooks) {
    const row = await stored(tenant, id);
    expect(row.secret_key_id).toBe(key_id(newest));
    const opened = new SecretBox([newest]).open({ tenant_id: tenant, owner_id: id }, row.secret_ciphertext);
    expect(opened).toBe(secret);
  }
  await rotation(firstKey, newest).reencrypt({});
  expect(await rotation(firstKey).keys()).toMatchObject({ in_use: [key_id(firstKey)], unrecorded: false });
});

const owners = ['another endpoint of the tenant', 'an endpoint of another tenant'] as const;

test.each(owners)('a secret that was moved to %s signs nothing, and shows nothing', async (owner) => {
  const lines = (['info', 'warn', 'error'] as const).map((level) => jest.spyOn(log, level));
  const [victim, stranger] = [await service.createTenant(), await service.createTenant()];
  const thief = owner === owners[0] ? victim : stranger;
  const stolen = await register(victim);
  await service.inTenant(victim, 'update webhooks set is_active = false');
  const { secret_ciphertext } = await stored(victim, stolen.id);
  const { id: webhook_id } = await register(thief);
  const move = 'update webhooks set secret_ciphertext = $2 where id = $1';
  await service.inTenant(thief, move, [webhook_id, secret_ciphertext]);
  await service.emit(thief, 'task.created');
  await service.module.get(OutboxRelay).drain();
  const deliveries = service.module.get(DeliveryService);
  for (const attempt of await deliveries.claim(thief, 1)) await deliveries.attempt(thief, attempt);

  expect(receiver.received).toEqual([]);
  const { data } = await service.as(thief, () =>
    service.module.get(WebhookService).deliveries({ id: webhook_id, limit: 20 }),
  );
  const error = 'The signing secret cannot be opened.';
  expect(data).toMatchObject([{ status: 'pending', attempts: 1, last_status_code: null, last_error: error }]);
  const told = JSON.stringify([data, lines.flatMap(({ mock }) => mock.calls)]);
  expect(told).toContain(webhook_id);
  for (const secret of [stolen.secret, secret_ciphertext]) expect(told).not.toContain(secret);
});
