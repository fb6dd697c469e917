import { v7 } from 'uuid';
import { TenantRepository } from './tenant.repository';
import { TenantService } from './tenant.service';
import { openTenants } from './tenant.testing';

let house: Awaited<ReturnType<typeof openTenants>>;
let tenants: TenantService;

beforeAll(async () => {
  house = await openTenants();
  tenants = new TenantService(house.source, new TenantRepository(house.source), 30);
});
afterAll(() => house.close());

describe('settings', () => {
  it('are shown, changed key by key, and each change is audited by what it changed', async () => {
    const id = await house.newTenant();
    const first = await house.as(id, () => tenants.get());
    expect(first).toMatchObject({ id, name: 'Tenant', status: 'active', settings: {}, delete_at: null });

    await house.as(id, () => tenants.update({ settings: { theme: 'dark', locale: 'de' } }));
    const last = await house.as(id, () => tenants.update({ name: 'Acme', settings: { locale: null } }));

    expect(last).toMatchObject({ name: 'Acme', settings: { theme: 'dark' } });
    expect(await house.as(id, () => tenants.get())).toEqual(last);
    const { audited } = await house.traces(id);
    expect(audited).toMatchObject([
      { action: 'tenant.updated', actor_type: 'user', before: { settings: {} } },
      { action: 'tenant.updated', before: { name: 'Tenant' }, after: { name: 'Acme', settings: { theme: 'dark' } } },
    ]);
  });

  it('that change nothing are no change', async () => {
    const id = await house.newTenant();
    const before = await house.as(id, () => tenants.get());
    expect(await house.as(id, () => tenants.update({ name: 'Tenant', settings: { absent: null } }))).toEqual(before);
    expect((await house.traces(id)).audited).toEqual([]);
  });

  it('changed by many at once lose nothing', async () => {
    const id = await house.newTenant();
    const changes = Array.from({ length: 10 }, (_, key) => ({ settings: { [key]: key } }));
    await Promise.all(changes.map((change) => house.as(id, () => tenants.update(change))));
    const { settings } = await house.as(id, () => tenants.get());
    expect(Object.keys(settings)).toHaveLength(10);
  });

  it('of 16 KB are enough', async () => {
    const id = await house.newTenant();
    const update = house.as(id, () => tenants.update({ settings: { big: 'x'.repeat(17_000) } }));
    await expect(update).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'settings' }] },
    });
  });

  it('of a tenant that is gone are not found', async () => {
    await expect(house.as(v7(), () => tenants.get())).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('deletion', () => {
  const DAY_MS = 24 * 3600 * 1000;

  it('closes the tenant at once, dates its erasure, and is told to the gateways and the audit log, once', async () => {
    const id = await house.newTenant();
    await house.as(id, () => tenants.remove());
    const { status, delete_at } = await house.as(id, () => tenants.get());
    expect(status).toBe('deleting');
    const days = (new Date(delete_at ?? 0).getTime() - Date.now()) / DAY_MS;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThanOrEqual(30);

    await house.as(id, () => tenants.remove());

    expect(await house.as(id, () => tenants.get())).toMatchObject({ delete_at });
    const { audited, feed } = await house.traces(id);
    expect(audited).toMatchObject([{ action: 'tenant.deletion_requested', after: { status: 'deleting' } }]);
    expect(feed).toEqual([{ kind: 'tenant', id }]);
  });
});
