import { runAs } from '@taai/tenant';
import { v7 } from 'uuid';
import { TenantCache } from './tenant-cache';
import type { ChangeListener, TenantChanges } from './tenant-changes';

let news: ChangeListener;
let cache: TenantCache<string>;
let tenant_id: string;

beforeEach(() => {
  const changes: Pick<TenantChanges, 'listen'> = { listen: (listener) => void (news = listener) };
  cache = new TenantCache(changes as TenantChanges);
  tenant_id = v7();
});

const get = (load: () => Promise<string>, name = 'name', tenant = tenant_id) =>
  runAs({ tenant_id: tenant, permissions: [], issuer: 'orchestrator' }, () => cache.get(name, load));

describe('TenantCache', () => {
  it('reads once for a tenant and name, for many at the same time too', async () => {
    const load = jest.fn(async () => 'value');
    expect(await Promise.all([get(load), get(load)])).toEqual(['value', 'value']);
    expect(await get(load)).toBe('value');
    expect(load).toHaveBeenCalledTimes(1);
    expect(await get(async () => 'another name', 'other')).toBe('another name');
    expect(await get(async () => 'another tenant', 'name', v7())).toBe('another tenant');
  });

  it('forgets what is changed, and nothing of other tenants', async () => {
    const other = v7();
    await get(async () => 'kept', 'name', other);
    await get(async () => 'old');
    news.onChange(tenant_id);
    expect(await get(async () => 'new')).toBe('new');
    expect(await get(async () => 'not read', 'name', other)).toBe('kept');
  });

  it('forgets all when news may have been missed', async () => {
    await get(async () => 'old');
    news.onGap();
    expect(await get(async () => 'new')).toBe('new');
  });

  it.each([
    ['a change', () => news.onChange(tenant_id)],
    ['a gap', () => news.onGap()],
  ])('does not keep what was being read when %s came', async (_, happen) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const early = get(() => promise);
    happen();
    const late = get(async () => 'new');
    resolve('old');
    expect(await early).toBe('old');
    expect(await late).toBe('new');
    expect(await get(async () => 'not read')).toBe('new');
  });

  it('does not keep a failure, nor forgets what came after it', async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    const failing = get(() => promise);
    news.onChange(tenant_id);
    await get(async () => 'new');
    reject(new Error('gone'));
    await expect(failing).rejects.toThrow('gone');
    expect(await get(async () => 'not read')).toBe('new');
    await expect(get(() => Promise.reject(new Error('away')), 'other')).rejects.toThrow('away');
    expect(await get(async () => 'back', 'other')).toBe('back');
  });
});
