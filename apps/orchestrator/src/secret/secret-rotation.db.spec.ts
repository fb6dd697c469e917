import { RlsPool } from '@taai/entities';
import { FernetError, log, SecretBox } from '@taai/platform';
import { newAgent, newKey, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { SecretRepository } from './secret.repository';

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
beforeEach(() => stage.admin.query('delete from provider_credentials'));
afterEach(() => jest.restoreAllMocks());
afterAll(() => stage.close());

/** A provider whose key is stored by a replica that knows the old encryption key alone. Resolves to what is stored. */
const store = ({ as }: User, api_key: string) =>
  as(async () => {
    const { id } = await before.providers.create({ name: api_key, kind: 'openai' });
    await before.providers.putCredentials({ id, api_key });
    const sql = 'select ciphertext from provider_credentials where provider_id = $1';
    return (await stage.admin.query<{ ciphertext: string }>(sql, [id])).rows[0]?.ciphertext ?? '';
  });

describe('a rotation', () => {
  it('leaves runs at work with either key', async () => {
    const user = await stage.newUser();
    const agent = await newAgent(user, before, stage);
    const run = async (replica: Replica) => {
      const { id } = await user.as(() => replica.starter.start({ id: agent.id, input: 'Hello' }));
      return (await watch(user, replica, id)).at(-1);
    };
    expect(await run(after)).toMatchObject({ type: 'run.completed' });
    await after.secrets.reencrypt({});
    expect(await run(await stage.replica({}, [newest]))).toMatchObject({ type: 'run.completed' });
    expect(await run(before)).toMatchObject({ type: 'run.failed', data: { code: 'agent_not_ready' } });
  });

  it('lets nobody start without a key in use', async () => {
    await store(await stage.newUser(), 'key-0');
    const repository = new SecretRepository(stage.source, new RlsPool(stage.source, { prepare: true }));
    const key_ids = await repository.keyIds();
    expect(() => new SecretBox([newest]).require(key_ids, 'provider and tool credentials')).toThrow(
      new SecretBox([stage.firstKey]).key_id,
    );
    new SecretBox([newest, stage.firstKey]).require(key_ids, 'provider and tool credentials');
    await after.secrets.reencrypt({});
    new SecretBox([newest]).require(await repository.keyIds(), 'provider and tool credentials');
  });
});

describe('a ciphertext that was moved', () => {
  const owners = ['another provider of the tenant', 'a provider of another tenant'] as const;

  it.each(owners)('to %s fails its run, typed, and shows nothing', async (owner) => {
    const lines = (['info', 'warn', 'error'] as const).map((level) => jest.spyOn(log, level));
    const [victim, thief] = [await stage.newUser(), await stage.newUser()];
    const attacker = owner === owners[0] ? victim : thief;
    const ciphertext = await store(victim, 'sk-canary');
    const agent = await newAgent(attacker, before, stage);
    const { data } = await attacker.as(() => before.providers.list({ limit: 20 }));
    const provider_id = data.find(({ name }) => name === 'sandbox')?.id ?? '';
    await attacker.as(() => before.agents.update({ id: agent.id, provider_id }));
    const move = 'update provider_credentials set ciphertext = $2 where provider_id = $1';
    await stage.admin.query(move, [provider_id, ciphertext]);
    const mark = `moved to ${owner}`;
    const { id } = await attacker.as(() => before.starter.start({ id: agent.id, input: mark }));
    const events = await watch(attacker, before, id);
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      data: { code: 'agent_not_ready', detail: "The provider's credentials cannot be decrypted: store them again." },
    });
    const run = await attacker.as(() => before.runs.get(id));
    expect(run).toMatchObject({ status: 'failed', error_code: 'agent_not_ready' });
    const told = JSON.stringify([events, run, lines.flatMap(({ mock }) => mock.calls)]);
    for (const secret of ['sk-canary', ciphertext]) expect(told).not.toContain(secret);
  });

  it('tells nothing in its error', () => {
    const box = new SecretBox([newest]);
    const { ciphertext } = box.seal({ tenant_id: 'a', owner_id: 'b' }, 'sk-canary');
    const open = () => box.open({ tenant_id: 'a', owner_id: 'c' }, ciphertext);
    expect(open).toThrow(new FernetError('The encrypted value cannot be opened.'));
  });
});
