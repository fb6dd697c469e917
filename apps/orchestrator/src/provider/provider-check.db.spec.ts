import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UsageRecordEntity } from '@taai/entities';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;
let vendor: Server;
/** What the vendor answers to a question for its models, and how often it was asked. */
let models: { status: number; body: object; asked: number };

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
  vendor = createServer((_, response) => {
    models.asked += 1;
    const headers = { 'content-type': 'application/json', 'retry-after': '7' };
    response.writeHead(models.status, headers).end(JSON.stringify(models.body));
  });
  vendor.listen(0, '127.0.0.1');
  await once(vendor, 'listening');
});
beforeEach(async () => {
  user = await stage.newUser();
  models = { status: 200, body: { data: ['text-embedding-9', 'gpt-9'].map((id) => ({ id })) }, asked: 0 };
});
afterAll(async () => {
  vendor.closeAllConnections();
  vendor.close();
  await stage.close();
});

const problem = (code: string, message?: unknown) => expect.objectContaining({ code, ...(message ? { message } : {}) });

const provider = (base_url: string, api_key = 'sk-sandbox') =>
  user.as(async () => {
    const { id } = await replica.providers.create({ name: 'main', kind: 'openai', base_url });
    await replica.providers.putCredentials({ id, api_key });
    return id;
  });
const ofVendor = () => provider(`http://127.0.0.1:${(vendor.address() as AddressInfo).port}/v1`);
const ofSandbox = (api_key?: string) => provider(`${stage.sandbox.url}/v1`, api_key);

const list = (id: string, refresh = false) => user.as(() => replica.checks.models(id, refresh));
const test = (id: string, model?: string) => user.as(() => replica.checks.test(id, model));

async function ledger(): Promise<UsageRecordEntity[]> {
  const sql = 'select to_jsonb(u) as row from usage_records u where tenant_id = $1 order by call_id';
  const { rows } = await stage.admin.query<{ row: UsageRecordEntity }>(sql, [user.tenant_id]);
  return rows.map(({ row }) => row);
}

describe("a provider's list of models", () => {
  it('is asked for once, by whichever replica, and again when somebody insists', async () => {
    const id = await ofVendor();
    const first = await list(id);
    expect(first.data).toEqual([
      { id: 'text-embedding-9', model: 'main/text-embedding-9' },
      { id: 'gpt-9', model: 'main/gpt-9' },
    ]);
    const { checks } = await stage.replica();
    expect(await user.as(() => checks.models(id, false))).toEqual(first);
    expect(models.asked).toBe(1);
    models.body = { data: [{ id: 'new' }] };
    const fresh = await list(id, true);
    expect(fresh.data).toEqual([{ id: 'new', model: 'main/new' }]);
    expect(await list(id)).toEqual(fresh);
    expect(models.asked).toBe(2);
  });

  it('is asked for again with other credentials', async () => {
    const id = await ofVendor();
    await list(id);
    await user.as(() => replica.providers.putCredentials({ id, api_key: 'sk-another' }));
    await list(id);
    expect(models.asked).toBe(2);
  });

  it('is bounded', async () => {
    const id = await ofVendor();
    const many = Array.from({ length: 5000 }, (_, n) => ({ id: `m-${n}` }));
    models.body = { data: [{ id: 'x'.repeat(201) }, { id: '' }, ...many] };
    const { data } = await list(id);
    expect(data).toHaveLength(1000);
    expect(data[0]?.id).toBe('m-0');
  });

  it('fails with the reason when the provider fails, and is not kept', async () => {
    const id = await ofVendor();
    models.status = 429;
    const failure: unknown = await list(id).catch((error: unknown) => error);
    expect(failure).toEqual(problem('provider_failed', expect.stringContaining('(rate_limited)')));
    expect(failure).toMatchObject({ status: 502, extras: { retry_after: 7 } });
    models.status = 200;
    expect((await list(id)).data).toHaveLength(2);
    models.body = { nothing: 'of the kind' };
    await expect(list(id, true)).rejects.toEqual(problem('provider_failed', expect.stringContaining('(unavailable)')));
  });
});

describe('a test call', () => {
  it('asks the model, and is in the ledger', async () => {
    const id = await ofSandbox();
    expect(await test(id, 'sandbox-1[[delay=0]]')).toEqual({
      ok: true,
      model: 'sandbox-1[[delay=0]]',
      latency_ms: expect.any(Number),
    });
    const { user_id } = user;
    expect(await ledger()).toMatchObject([
      {
        kind: 'test',
        provider_id: id,
        provider_kind: 'openai',
        status: 'closed',
        user_id,
        run_id: null,
        model: 'sandbox-1[[delay=0]]',
        error_code: null,
        is_estimated: false,
        output_tokens: 16,
      },
    ]);
  });

  it('finds a model by itself that looks like one for chat', async () => {
    expect(await test(await ofVendor())).toMatchObject({ model: 'gpt-9' });
    user = await stage.newUser();
    expect(await test(await ofSandbox())).toMatchObject({ ok: true, model: 'sandbox-1' });
  });

  it.each([
    ['sandbox-1[[fail=500]]', 'sk-sandbox', 'unavailable'],
    ['sandbox-1[[fail=429]]', 'sk-sandbox', 'rate_limited'],
    ['no-such-model', 'sk-sandbox', 'invalid_request'],
    ['sandbox-1', 'sk-sandbox-invalid', 'auth'],
  ])('of %s with the key %s says that it failed: %s', async (model, api_key, error_code) => {
    const id = await ofSandbox(api_key);
    const outcome = await test(id, model);
    expect(outcome).toMatchObject({ ok: false, model, error_code, error_detail: expect.any(String) });
    expect(JSON.stringify(outcome)).not.toContain(api_key);
    expect(await ledger()).toMatchObject([{ kind: 'test', status: 'closed', error_code }]);
  });

  it('says, too, that the provider does not even tell its models', async () => {
    const id = await ofVendor();
    models.status = 401;
    expect(await test(id)).toMatchObject({ ok: false, model: null, error_code: 'auth' });
    models = { status: 200, body: { data: [] }, asked: 0 };
    expect(await test(id)).toMatchObject({ ok: false, model: null, error_code: 'invalid_request' });
    expect(await ledger()).toEqual([]);
  });

  it('is made to a provider that is not active, and to none that cannot be called', async () => {
    const id = await ofSandbox();
    await user.as(() => replica.providers.update({ id, is_active: false }));
    expect(await test(id)).toMatchObject({ ok: true });
    const bare = await user.as(() => replica.providers.create({ name: 'bare', kind: 'openai' }));
    await expect(test(bare.id)).rejects.toEqual(problem('provider_not_ready'));
    await expect(list(bare.id)).rejects.toEqual(problem('provider_not_ready'));
    const stranger = await stage.newUser();
    for (const unknown of [v7(), id])
      await stranger.as(async () => {
        await expect(replica.checks.test(unknown)).rejects.toEqual(problem('not_found'));
        await expect(replica.checks.models(unknown, false)).rejects.toEqual(problem('not_found'));
        await expect(replica.checks.health(unknown)).rejects.toEqual(problem('not_found'));
      });
  });
});

describe("a provider's health", () => {
  it('is that of its circuit breaker', async () => {
    const id = await ofSandbox();
    const health = () => user.as(() => replica.checks.health(id));
    expect(await health()).toEqual({ state: 'closed', calls: 0, failures: 0, retry_at: null });
    const target = await user.as(() => replica.directory.open(id));
    for (let n = 0; n < 10; n += 1) {
      const leave = await replica.breakers.enter(target);
      if (leave.granted) leave.report('unwell');
    }

    await until(async () => (await health()).state === 'open');
    expect(await health()).toMatchObject({ calls: 10, failures: 10, retry_at: expect.any(Date) });
  });
});
