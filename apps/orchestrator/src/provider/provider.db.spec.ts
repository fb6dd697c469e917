import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { ProviderHandler } from './provider.handler';
import { audited, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const secret = 'sk-very-secret';
const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });

describe('providers', () => {
  it('are created with defaults, listed newest first, changed and removed', async () => {
    const { providers } = replica;
    await user.as(async () => {
      const first = await providers.create({ name: 'first', kind: 'openai' });
      expect(first).toMatchObject({
        base_url: null,
        priority: 100,
        is_active: true,
        settings: {},
        has_credentials: false,
      });
      const second = await providers.create({
        name: 'second',
        kind: 'ollama',
        priority: 1,
        settings: { max_retries: 1 },
      });
      const page = await providers.list({ limit: 1 });
      expect(page).toMatchObject({ data: [second], has_more: true });
      const rest = await providers.list({ limit: 1, cursor: page.next_cursor ?? '' });
      expect(rest).toEqual({ data: [first], has_more: false, next_cursor: null });
      const changed = await providers.update({ id: first.id, priority: 5, is_active: false });
      expect(changed).toMatchObject({ name: 'first', priority: 5, is_active: false });
      await providers.remove(first.id);
      await expect(providers.get(first.id)).rejects.toEqual(problem('not_found'));
    });
  });

  it('have names of their own within a tenant', async () => {
    const { providers } = replica;
    const other = await stage.newUser();
    await other.as(() => providers.create({ name: 'main', kind: 'openai' }));
    await user.as(async () => {
      await providers.create({ name: 'main', kind: 'openai' });
      const { id } = await providers.create({ name: 'spare', kind: 'openai' });
      await expect(providers.create({ name: 'main', kind: 'groq' })).rejects.toEqual(problem('slug_taken'));
      await expect(providers.update({ id, name: 'main' })).rejects.toEqual(problem('slug_taken'));
    });
  });

  it('are created once per Idempotency-Key', async () => {
    const handler = new ProviderHandler(replica.providers, replica.checks);
    const caller = { tenant_id: user.tenant_id, user_id: user.user_id, permissions: [], issuer: 'gateway' as const };
    const create = (name: string) =>
      runInContext({ request_id: 'r', idempotency_key: 'key', caller }, () => handler.create({ name, kind: 'openai' }));
    const created = await create('once');
    expect((await create('once')).id).toBe(created.id);
    await expect(create('twice')).rejects.toEqual(problem('idempotency_mismatch'));
  });

  it.each(['http://10.0.0.1/v1', 'http://169.254.169.254', 'http://[::1]:80', 'ftp://example.com'])(
    'may not be at %s',
    async (base_url) => {
      const { providers } = replica;
      const refused = expect.objectContaining({ code: 'url_not_allowed' });
      await user.as(async () => {
        await expect(providers.create({ name: 'inside', kind: 'openai', base_url })).rejects.toEqual(refused);
        const { id } = await providers.create({ name: 'outside', kind: 'openai', base_url: 'https://example.com/v1' });
        await expect(providers.update({ id, base_url })).rejects.toEqual(refused);
      });
    },
  );

  it('cannot be removed while an agent uses them', async () => {
    const { providers, agents } = replica;
    await user.as(async () => {
      const { id } = await providers.create({ name: 'main', kind: 'openai' });
      const agent = await agents.create({ name: 'A', slug: 'a', system_prompt: '', model: 'm', provider_id: id });
      await expect(providers.remove(id)).rejects.toEqual(problem('conflict'));
      await agents.update({ id: agent.id, provider_id: null });
      await providers.remove(id);
    });
  });

  it("of another tenant are as those that don't exist", async () => {
    const { providers } = replica;
    const other = await stage.newUser();
    const foreign = await other.as(() => providers.create({ name: 'main', kind: 'openai' }));
    for (const id of [foreign.id, v7()]) {
      await user.as(async () => {
        await expect(providers.get(id)).rejects.toEqual(problem('not_found'));
        await expect(providers.update({ id, name: 'mine' })).rejects.toEqual(problem('not_found'));
        await expect(providers.remove(id)).rejects.toEqual(problem('not_found'));
        await expect(providers.putCredentials({ id, api_key: secret })).rejects.toEqual(problem('not_found'));
        expect((await providers.list({ limit: 20 })).data).toEqual([]);
      });
    }
    expect(await other.as(() => providers.get(foreign.id))).toEqual(foreign);
  });
});

describe('each change of a provider', () => {
  it('is told to the audit log, and no key is', async () => {
    const { providers } = replica;
    const base_url = 'https://api.example.com/v1';
    const { id } = await user.as(async () => {
      const provider = await providers.create({ name: 'main', kind: 'openai', base_url });
      await providers.putCredentials({ id: provider.id, api_key: secret });
      await providers.update({ id: provider.id, base_url: `https://other.example.com/v1?key=${secret}`, priority: 1 });
      await providers.remove(provider.id);
      return provider;
    });
    const entries = await audited(stage, user);
    const by = { actor_type: 'user', actor_id: user.user_id, target_type: 'provider', target_id: id };
    expect(entries).toMatchObject([
      { ...by, action: 'provider.created', before: null, after: { name: 'main', base_url, settings: {} } },
      { ...by, action: 'provider.credentials_stored', before: null, after: null },
      {
        ...by,
        action: 'provider.updated',
        before: { base_url, priority: 100, has_credentials: true },
        after: { base_url: 'https://other.example.com/v1', priority: 1, has_credentials: false },
      },
      { ...by, action: 'provider.deleted', before: { name: 'main', priority: 1 }, after: null },
    ]);
    expect(entries[2]?.['after']).not.toHaveProperty('name');
    expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('is told when it commits, and once per Idempotency-Key', async () => {
    const { providers } = replica;
    const caller = { tenant_id: user.tenant_id, user_id: user.user_id, permissions: [], issuer: 'gateway' as const };
    const handler = new ProviderHandler(providers, replica.checks);
    const create = () =>
      runInContext({ request_id: 'spec', ip: '192.0.2.7', caller, idempotency_key: 'audited' }, () =>
        handler.create({ name: 'once', kind: 'openai' }),
      );
    await create();
    await create();
    await user.as(async () => {
      await expect(providers.create({ name: 'once', kind: 'openai' })).rejects.toEqual(problem('slug_taken'));
      await expect(providers.remove(v7())).rejects.toEqual(problem('not_found'));
    });
    expect(await audited(stage, user)).toMatchObject([
      { action: 'provider.created', request_id: 'spec', ip: '192.0.2.7' },
    ]);
  });
});
