import { eventTypes, limits } from '@taai/contracts';
import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { createService, type Service } from '../webhook.testing';
import { WebhookHandler } from './webhook.handler';
import { WebhookService } from './webhook.service';

let service: Service;
let webhooks: WebhookService;

beforeAll(async () => {
  service = await createService({ outboundAllow: '' });
  webhooks = service.module.get(WebhookService);
});
afterAll(() => service.close());

const url = 'https://hooks.example.com/in';

describe('endpoints', () => {
  it('are registered with a secret that is shown once and stored sealed', async () => {
    const tenant = await service.createTenant();
    const created = await service.as(tenant, () =>
      webhooks.create({ url, events: ['task.created', 'task.created'], description: 'Ours' }),
    );
    expect(created).toMatchObject({ url, events: ['task.created'], description: 'Ours', is_active: true });
    const [, key] = /^whsec_(.+)$/.exec(created.secret) ?? [];
    expect(Buffer.from(key ?? '', 'base64')).toHaveLength(32);
    const { secret, ...shown } = created;
    expect(await service.as(tenant, () => webhooks.get(created.id))).toEqual(shown);
    const stored = JSON.stringify(await service.inTenant(tenant, 'select * from webhooks'));
    expect(stored).not.toContain(secret);
  });

  it('are registered once per Idempotency-Key, and the repetition shows the secret without its being stored', async () => {
    const tenant_id = await service.createTenant();
    const caller = { tenant_id, user_id: v7(), permissions: [], issuer: 'gateway' } as const;
    const create = () =>
      runInContext({ request_id: 'spec', caller, idempotency_key: 'key' }, () =>
        new WebhookHandler(webhooks).create({ url, events: ['task.created'] }),
      );
    const first = await create();
    expect(await create()).toEqual(first);
    const stored = JSON.stringify(await service.inTenant(tenant_id, 'select * from idempotency_keys'));
    expect(stored).toContain(first.id);
    expect(stored).not.toContain(first.secret);
  });

  it('are refused beyond the number that a tenant may have', async () => {
    const tenant = await service.createTenant();
    const create = () => service.as(tenant, () => webhooks.create({ url, events: ['task.created'] }));
    for (let n = 0; n < limits.webhooksOfTenant; n += 1) await create();
    await expect(create()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('are changed, listed newest first, and removed', async () => {
    const tenant = await service.createTenant();
    const create = () => service.as(tenant, () => webhooks.create({ url, events: ['task.created'] }));
    const [first, second] = [await create(), await create()];
    const changed = await service.as(tenant, () =>
      webhooks.update({ id: first.id, events: ['task.deleted'], is_active: false, description: null }),
    );
    expect(changed).toMatchObject({ url, events: ['task.deleted'], is_active: false, description: null });
    expect(new Date(changed.updated_at).getTime()).toBeGreaterThan(new Date(first.updated_at).getTime());
    const { data, next_cursor } = await service.as(tenant, () => webhooks.list({ limit: 1 }));
    expect(data.map(({ id }) => id)).toEqual([second.id]);
    const rest = await service.as(tenant, () => webhooks.list({ limit: 1, cursor: next_cursor ?? '' }));
    expect(rest).toMatchObject({ data: [{ id: first.id }], has_more: false });
    await service.as(tenant, () => webhooks.remove(first.id));
    await expect(service.as(tenant, () => webhooks.get(first.id))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('leave an audit entry for each change, without what may be a credential', async () => {
    const tenant = await service.createTenant();
    const address = `${url}?key=canary`;
    const { id, secret } = await service.as(tenant, () => webhooks.create({ url: address, events: ['task.created'] }));
    const change = { id, url: `${url}/2?key=canary`, is_active: true };
    await service.as(tenant, () => webhooks.update(change));
    await service.as(tenant, () => webhooks.update(change));
    await service.as(tenant, () => webhooks.deactivate(id));
    await service.as(tenant, () => webhooks.deactivate(id));
    await service.as(tenant, () => webhooks.remove(id));
    const rows = await service.inTenant<{ payload: { data: object } }>(
      tenant,
      'select payload from outbox order by id',
    );
    expect(rows.map(({ payload }) => payload.data)).toMatchObject([
      { action: 'webhook.created', target_type: 'webhook', target_id: id, before: null, after: { url } },
      { action: 'webhook.updated', before: { url }, after: { url: `${url}/2` } },
      { action: 'webhook.deactivated', before: { is_active: true }, after: { is_active: false } },
      {
        action: 'webhook.deleted',
        before: { url: `${url}/2`, events: ['task.created'], is_active: false },
        after: null,
      },
    ]);
    const text = JSON.stringify(rows);
    for (const hidden of ['canary', secret.slice(6, 20)]) expect(text).not.toContain(hidden);
  });

  it.each([
    'http://127.0.0.1/in',
    'http://[::1]/in',
    'http://10.1.2.3/in',
    'http://localhost/in',
    'http://u:p@example.com/',
  ])('may not be at %s', async (address) => {
    const tenant = await service.createTenant();
    const refused = { code: 'url_not_allowed' };
    const create = () => webhooks.create({ url: address, events: ['task.created'] });
    await expect(service.as(tenant, create)).rejects.toMatchObject(refused);
    const { id } = await service.as(tenant, () => webhooks.create({ url, events: ['task.created'] }));
    await expect(service.as(tenant, () => webhooks.update({ id, url: address }))).rejects.toMatchObject(refused);
  });

  it('of another tenant are absent, whatever is done to them', async () => {
    const [owner, stranger] = [await service.createTenant(), await service.createTenant()];
    const { id } = await service.as(owner, () => webhooks.create({ url, events: ['task.created'] }));
    const attempts: (() => Promise<unknown>)[] = [
      () => webhooks.get(id),
      () => webhooks.update({ id, is_active: false }),
      () => webhooks.remove(id),
      () => webhooks.deliveries({ id, limit: 20 }),
    ];
    for (const attempt of attempts) {
      await expect(service.as(stranger, attempt)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  it('can subscribe to every type of event', async () => {
    expect(await webhooks.eventTypes()).toEqual({ data: [...eventTypes] });
  });
});
