import { RlsPool } from '@taai/entities';
import { log, SecretBox, SecretRotation } from '@taai/platform';
import type { SecretRef } from '@taai/contracts';
import { SecretRepository } from './secret.repository';
import { newKey, startStage, type Replica, type Stage, type User } from '../replica.testing';

const newest = newKey();
let stage: Stage;
let before: Replica;
let after: Replica;

beforeAll(async () => {
  stage = await startStage();
  before = await stage.replica();
  after = await stage.replica({}, [newest, stage.firstKey]);
});
// Keys are those of all tenants.
beforeEach(() => stage.admin.query('delete from provider_credentials; delete from tools'));
afterEach(() => jest.restoreAllMocks());
afterAll(() => stage.close());

const key_id = (key: string) => new SecretBox([key]).key_id;

interface Row {
  tenant_id: string;
  provider_id: string;
  ciphertext: string;
  key_id: string;
}

const stored = async () => (await stage.admin.query<Row>('select * from provider_credentials order by 1, 2')).rows;

/** The plaintexts of all rows, for whoever holds these keys alone. */
const opened = async (...keys: string[]) =>
  (await stored()).map(({ tenant_id, provider_id, ciphertext }) =>
    new SecretBox(keys).open({ tenant_id, owner_id: provider_id }, ciphertext),
  );

/** A provider whose key is stored by a replica that knows the old encryption key alone. */
const provider = ({ as }: User, api_key: string) =>
  as(async () => {
    const { id } = await before.providers.create({ name: api_key, kind: 'openai' });
    await before.providers.putCredentials({ id, api_key });
    return id;
  });

/** `count` keys of as many tenants: key-0, key-1, … */
async function store(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await provider(await stage.newUser(), `key-${n}`);
}

describe('re-encryption', () => {
  it('brings the credentials of all tenants to the newest key, batch by batch', async () => {
    await store(3);
    expect(await after.secrets.keys()).toEqual({
      newest: key_id(newest),
      in_use: [key_id(stage.firstKey)],
      unrecorded: false,
    });
    const first = await after.secrets.reencrypt({ batch: 2 });
    expect(first).toMatchObject({ reencrypted: 2, failed: 0, remaining: 1 });
    expect((await after.secrets.keys()).in_use).toEqual([key_id(stage.firstKey), key_id(newest)].sort());
    const second = await after.secrets.reencrypt({ batch: 2, after: first.last ?? undefined });
    expect(second).toMatchObject({ reencrypted: 1, failed: 0, remaining: 0 });
    expect((await after.secrets.keys()).in_use).toEqual([key_id(newest)]);
    expect((await opened(newest)).sort()).toEqual(['key-0', 'key-1', 'key-2']);
  });

  it("takes tools' secret headers along, in the same batches", async () => {
    await store(2);
    const user = await stage.newUser();
    const config = { url: 'https://mcp.example.com' };
    const sealed = await user.as(() =>
      before.tools.create({ name: 'sealed', kind: 'mcp', config, secret_headers: { authorization: 'sk-tool' } }),
    );
    await user.as(() => before.tools.create({ name: 'open', kind: 'mcp', config }));
    const tool = async () =>
      (await stage.admin.query<Row>('select secret_ciphertext as ciphertext from tools where id = $1', [sealed.id]))
        .rows[0]?.ciphertext ?? '';
    const first = await after.secrets.reencrypt({ batch: 1 });
    expect(first).toMatchObject({ reencrypted: 1, remaining: 2 });
    expect((await after.secrets.keys()).in_use).toEqual([key_id(stage.firstKey), key_id(newest)].sort());
    const rest = await after.secrets.reencrypt({ after: first.last ?? undefined });
    expect(rest).toMatchObject({ reencrypted: 2, failed: 0, remaining: 0 });
    expect((await after.secrets.keys()).in_use).toEqual([key_id(newest)]);
    const owner = { tenant_id: user.tenant_id, owner_id: sealed.id };
    expect(JSON.parse(new SecretBox([newest]).open(owner, await tool()))).toEqual({ authorization: 'sk-tool' });
  });

  it('never overwrites secret headers that are stored meanwhile', async () => {
    const user = await stage.newUser();
    const fields = { name: 'crm', kind: 'mcp', config: { url: 'https://mcp.example.com' } } as const;
    const { id } = await user.as(() => before.tools.create({ ...fields, secret_headers: { a: 'old' } }));
    class Interrupted extends SecretRepository {
      override async find(ref: SecretRef, newest_id: string) {
        const row = await super.find(ref, newest_id);
        await user.as(() => before.tools.update({ id, secret_headers: { a: 'fresh' } }));
        return row;
      }
    }
    const rls = new RlsPool(stage.source, { prepare: true });
    const rotation = new SecretRotation(new SecretBox([newest, stage.firstKey]), new Interrupted(stage.source, rls));
    expect(await rotation.reencrypt({})).toMatchObject({ reencrypted: 0, failed: 0 });
    expect((await after.secrets.keys()).in_use).toEqual([key_id(stage.firstKey)]);
  });

  it('changes nothing the second time', async () => {
    await store(2);
    await after.secrets.reencrypt({});
    const rows = await stored();
    expect(await after.secrets.reencrypt({})).toEqual({ reencrypted: 0, failed: 0, remaining: 0, last: null });
    expect(await stored()).toEqual(rows);
  });

  it('does each row once, however many do it at the same time', async () => {
    await store(8);
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => after.secrets.reencrypt({})));
    expect(outcomes.reduce((sum, { reencrypted }) => sum + reencrypted, 0)).toBe(8);
    expect(outcomes.every(({ failed }) => failed === 0)).toBe(true);
    expect(await opened(newest)).toHaveLength(8);
  });

  it('never overwrites a key that is stored meanwhile, whichever way', async () => {
    const user = await stage.newUser();
    const [put, changed, removed] = [
      await provider(user, 'key-0'),
      await provider(user, 'key-1'),
      await provider(user, 'key-2'),
    ];
    const fresh = new SecretBox([newest]).seal({ tenant_id: user.tenant_id, owner_id: changed }, 'fresh-1');
    const meanwhile = {
      [put]: () => user.as(() => before.providers.putCredentials({ id: put, api_key: 'fresh-0' })),
      [changed]: () =>
        stage.admin.query('update provider_credentials set ciphertext = $2 where provider_id = $1', [
          changed,
          fresh.ciphertext,
        ]),
      [removed]: () => user.as(() => before.providers.remove(removed)),
    };
    class Interrupted extends SecretRepository {
      override async find(ref: SecretRef, newest_id: string) {
        const row = await super.find(ref, newest_id);
        await meanwhile[row?.owner_id ?? '']?.();
        return row;
      }
    }
    const rls = new RlsPool(stage.source, { prepare: true });
    const box = new SecretBox([newest, stage.firstKey]);
    const rotation = new SecretRotation(box, new Interrupted(stage.source, rls));
    expect(await rotation.reencrypt({})).toMatchObject({ reencrypted: 0, failed: 0 });
    expect((await opened(newest, stage.firstKey)).sort()).toEqual(['fresh-0', 'fresh-1']);
  });

  it('counts what cannot be opened, goes on behind it, and tells no secret', async () => {
    await store(4);
    const [first, second, third] = await stored();
    // Torn, swapped with another tenant's, and of a key that is lost.
    const lost = new SecretBox([newKey()]).seal({ tenant_id: '', owner_id: '' }, 'sk-lost').ciphertext;
    const update = 'update provider_credentials set ciphertext = $2 where provider_id = $1';
    await stage.admin.query(update, [first?.provider_id, first?.ciphertext.slice(0, -4)]);
    await stage.admin.query(update, [second?.provider_id, third?.ciphertext]);
    await stage.admin.query(update, [third?.provider_id, lost]);
    const damaged = await stored();
    const lines = jest.spyOn(log, 'error').mockImplementation(() => undefined);
    let last: SecretRef | null | undefined;
    const batches = [];
    while (last !== null) {
      const batch = await after.secrets.reencrypt({ batch: 1, ...(last && { after: last }) });
      batches.push(batch);
      last = batch.last;
    }
    expect(batches.map(({ reencrypted, failed, remaining }) => [reencrypted, failed, remaining])).toEqual([
      [0, 1, 3],
      [0, 1, 2],
      [0, 1, 1],
      [1, 0, 0],
      [0, 0, 0],
    ]);
    expect((await stored()).slice(0, 3)).toEqual(damaged.slice(0, 3));
    expect(lines.mock.calls.map(([fields]) => fields)).toEqual(
      damaged.slice(0, 3).map(({ tenant_id, provider_id }) => ({ tenant_id, owner_id: provider_id })),
    );
    expect((await after.secrets.keys()).in_use).toContain(key_id(stage.firstKey));
  });
});
