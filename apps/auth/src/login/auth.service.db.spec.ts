import { runAs } from '@taai/tenant';
import { asUser, newcomer, startAuth, type TestAuth } from '../auth.testing';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

const sid = crypto.randomUUID();

describe('me', () => {
  it('is the caller, the tenant and what the caller may do', async () => {
    const { user, tenant } = await app.registrations.register(newcomer());
    await expect(asUser(user, sid, () => app.auth.me())).resolves.toEqual({ user, tenant, permissions: ['*:*'] });
  });

  it('finds nobody of another tenant', async () => {
    const { user } = await app.registrations.register(newcomer());
    const { tenant } = await app.registrations.register(newcomer());
    const me = asUser({ ...user, tenant_id: tenant.id }, sid, () => app.auth.me());
    await expect(me).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is for users', async () => {
    const service = { tenant_id: crypto.randomUUID(), permissions: [], issuer: 'task' as const };
    await expect(runAs(service, () => app.auth.me())).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('jwks', () => {
  it('publishes the key that tokens are signed with', async () => {
    await expect(app.auth.jwks()).resolves.toMatchObject({ keys: [{ kid: 'newest', alg: 'EdDSA', kty: 'OKP' }] });
  });
});
