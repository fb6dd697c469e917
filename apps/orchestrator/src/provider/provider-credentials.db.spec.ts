import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startStage, type Replica, type Stage, type User } from '../replica.testing';

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

describe('credentials', () => {
  const stored = async (provider_id: string) => {
    const sql = 'select * from provider_credentials where provider_id = $1';
    return (await stage.admin.query<{ ciphertext: string; key_id: string }>(sql, [provider_id])).rows;
  };

  it('are sealed, never shown, and replaced', async () => {
    const { providers } = replica;
    await user.as(async () => {
      const { id } = await providers.create({ name: 'main', kind: 'openai' });
      expect(await providers.putCredentials({ id, api_key: secret })).toBeUndefined();
      const provider = await providers.get(id);
      expect(provider.has_credentials).toBe(true);
      expect(JSON.stringify([provider, await providers.list({ limit: 20 })])).not.toContain(secret);
      const [before] = await stored(id);
      expect(JSON.stringify(before)).not.toContain(secret);
      expect(before?.key_id).toMatch(/^[0-9a-f]{8}$/);
      await providers.putCredentials({ id, api_key: 'another' });
      const after = await stored(id);
      expect(after).toHaveLength(1);
      expect(after[0]?.ciphertext).not.toBe(before?.ciphertext);
      await providers.remove(id);
      expect(await stored(id)).toEqual([]);
    });
  });

  it.each([
    ['https://other.example.com/v1'],
    ['https://api.example.com.evil.test/v1'],
    ['http://api.example.com/v1'],
    ['https://api.example.com:8443/v1'],
    [null],
  ])('are dropped when the provider moves to %s', async (base_url) => {
    const { providers } = replica;
    await user.as(async () => {
      const { id } = await providers.create({ name: 'main', kind: 'openai', base_url: 'https://api.example.com/v1' });
      await providers.putCredentials({ id, api_key: secret });
      expect(await providers.update({ id, base_url })).toMatchObject({ base_url, has_credentials: false });
      expect(await stored(id)).toEqual([]);
    });
  });

  it('stay while the provider stays at its origin, and when a change fails', async () => {
    const { providers } = replica;
    await user.as(async () => {
      await providers.create({ name: 'taken', kind: 'openai' });
      const { id } = await providers.create({ name: 'main', kind: 'openai', base_url: 'https://api.example.com/v1' });
      await providers.putCredentials({ id, api_key: secret });
      for (const change of [{ base_url: 'https://API.example.com:443/v2' }, { priority: 1 }]) {
        expect(await providers.update({ id, ...change })).toMatchObject({ ...change, has_credentials: true });
      }
      const refused = providers.update({ id, name: 'taken', base_url: 'https://other.example.com' });
      await expect(refused).rejects.toEqual(expect.objectContaining({ name: 'ProblemError', code: 'slug_taken' }));
      expect((await providers.get(id)).has_credentials).toBe(true);
    });
  });

  it('are dropped, too, when they are being stored while the provider moves', async () => {
    const { providers } = replica;
    const { id } = await user.as(() =>
      providers.create({ name: 'main', kind: 'openai', base_url: 'https://api.example.com' }),
    );
    await stage.admin.query('begin');
    await stage.admin.query(
      `insert into provider_credentials (tenant_id, id, provider_id, ciphertext, key_id) values ($1, $2, $3, 'sealed', 'key')`,
      [user.tenant_id, v7(), id],
    );
    const moved = user.as(() => providers.update({ id, base_url: 'https://other.example.com' }));
    const waiting = 'select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))';
    await until(async () => (await stage.admin.query(waiting)).rowCount === 1);
    await stage.admin.query('commit');
    expect(await moved).toMatchObject({ has_credentials: false });
    expect(await stored(id)).toEqual([]);
  });
});
