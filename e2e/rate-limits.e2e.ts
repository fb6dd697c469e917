import OpenAI, { RateLimitError } from 'openai';
import { adminCommand } from './support/admin';
import type { Json } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenantOn, type TestTenant } from './support/tenant';

const { anonymous, adminEnv, gateways } = sharedFleet();

/** Of each user and of the tenant, on the plan `free`. */
const [PER_USER, PER_TENANT] = [50, 100];

describe('a tenant on the plan `free`', () => {
  let tenant: TestTenant;
  beforeAll(async () => {
    tenant = await newTenantOn('free', anonymous);
  });

  const limitOf = async (scope: string): Promise<Json> => {
    const { body } = await tenant.client.get('/v1/usage/limits');
    return (body['data'] as Json[]).find((one) => one['scope'] === scope) ?? {};
  };

  it('is told what is left of its limits, and asking takes nothing of them', async () => {
    const { headers } = await tenant.client.get('/v1/tasks');
    expect(headers.get('ratelimit-policy')).toBe(`"tenant";q=${PER_TENANT};w=60, "user";q=${PER_USER};w=60`);
    expect(headers.get('ratelimit')).toMatch(/^"tenant";r=\d+;t=\d+, "user";r=\d+;t=\d+$/);
    const before = await limitOf('user');
    expect(before).toMatchObject({ limit: PER_USER, window_seconds: 60 });
    expect((await limitOf('user'))['remaining']).toBeGreaterThanOrEqual(before['remaining']);
  });

  it('has what it asks for at all gateways counted together, and is refused beyond it, with a time to come again', async () => {
    const answers = await Promise.all(
      Array.from({ length: 2 * PER_USER }, (_, n) =>
        tenant.client.at(gateways[n % gateways.length] ?? '').get('/v1/tasks'),
      ),
    );
    const refused = answers.filter((answer) => answer.status === 429);
    // Limits fill up again all the time: a request each 1.2 s.
    expect(refused.length).toBeGreaterThan(PER_USER / 2);
    for (const answer of refused) {
      expect(answer.body).toMatchObject({
        code: 'rate_limited',
        detail: `The limit of the user is reached: ${PER_USER} requests per minute.`,
      });
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    expect((await limitOf('user'))['remaining']).toBeLessThan(PER_USER / 2);
  });

  it("is refused in OpenAI's words where their API is spoken, and their client knows it", async () => {
    const { body } = await anonymous.post('/v1/auth/login', { email: tenant.email, password: tenant.password });
    const openai = new OpenAI({ baseURL: `${gateways[0]}/v1`, apiKey: body['access_token'] as string, maxRetries: 0 });
    const ask = () => openai.models.list().then(() => undefined);
    const failures = await Promise.all(
      Array.from({ length: PER_USER }, () => ask().catch((error: unknown) => error as RateLimitError)),
    );
    const refused = failures.filter((failure) => failure instanceof RateLimitError);
    expect(refused).not.toEqual([]);
    for (const { status, code, headers } of refused) {
      expect({ status, code }).toEqual({ status: 429, code: 'rate_limit_exceeded' });
      expect(headers?.get('x-ratelimit-limit-requests')).toBe(String(PER_USER));
      expect(headers?.get('x-ratelimit-remaining-requests')).toBe('0');
      expect(headers?.get('x-ratelimit-reset-requests')).toMatch(/^(\d+m)?\d+s$/);
    }
  });

  it('has other limits as soon as an operator says so', async () => {
    const limits = {
      requests_per_minute: null,
      requests_per_minute_per_user: null,
      endpoints: { 'GET /v1/agents': 3 },
    };
    await adminCommand(adminEnv, 'tenant', 'limits', tenant.tenant_id, JSON.stringify(limits));
    await eventually(async () => expect(await limitOf('tenant')).toMatchObject({ limit: null }));
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => (await tenant.client.get('/v1/agents')).status),
    );
    expect(statuses.sort()).toEqual([200, 200, 200, 429, 429, 429]);
    expect(await limitOf('GET /v1/agents')).toMatchObject({ limit: 3, remaining: 0 });
  });
});
