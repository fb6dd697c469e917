import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { newKey, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let one: Replica;
let other: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  [one, other] = [await stage.replica(), await stage.replica()];
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const problem = (code: string, detail?: RegExp) =>
  expect.objectContaining({ name: 'ProblemError', code, ...(detail && { message: expect.stringMatching(detail) }) });

/** A provider with credentials. */
const provider = (name: string, more: { priority?: number; is_active?: boolean; api_key?: string } = {}) =>
  user.as(async () => {
    const { api_key = 'sk-sandbox', ...fields } = more;
    const { id } = await one.providers.create({ name, kind: 'openai', ...fields });
    await one.providers.putCredentials({ id, api_key });
    return id;
  });

const byId = (provider_id: string | null, replica = one) =>
  user.as(() => replica.directory.byId({ provider_id, model: 'm' }));
const nameOf = async (provider_id: string | null, replica = one) => (await byId(provider_id, replica)).provider_name;

/** Resolves when the replica has heard of all changes so far, its own ones among them. */
async function upToDate(replica: Replica, teller: Replica): Promise<void> {
  const { tenant_id, as } = await stage.newUser();
  let heard = false;
  replica.changes.listen({ onChange: (id) => void (heard ||= id === tenant_id), onGap: () => undefined });
  await until(async () => {
    await as(() => teller.changes.announce());
    return heard;
  });
}

describe('ProviderDirectory', () => {
  it('finds the provider named, or else the active one with credentials that is tried first', async () => {
    await expect(byId(null)).rejects.toEqual(problem('agent_not_ready', /no active provider/));
    await user.as(() => one.providers.create({ name: 'without', kind: 'openai', priority: 1 }));
    await provider('inactive', { priority: 2, is_active: false });
    const second = await provider('second', { priority: 4 });
    await provider('first', { priority: 3 });
    expect(await byId(null)).toMatchObject({ provider_name: 'first', kind: 'openai', model: 'm', settings: {} });
    expect(await nameOf(second)).toBe('second');
    const active = await user.as(() => one.directory.active());
    expect(active.map(({ provider_name }) => provider_name)).toEqual(['first', 'second']);
  });

  it.each(['inactive', 'without credentials', 'unknown', "another tenant's"])('refuses one that is %s', async (how) => {
    let id: string = v7();
    if (how === 'inactive') id = await provider('main', { is_active: false });
    if (how === 'without credentials')
      ({ id } = await user.as(() => one.providers.create({ name: 'main', kind: 'openai' })));
    if (how === "another tenant's") {
      id = await provider('main');
      user = await stage.newUser();
    }
    await expect(byId(id)).rejects.toEqual(problem('agent_not_ready', /not active or has no credentials/));
    await expect(user.as(() => one.directory.byName('main/m'))).rejects.toEqual(problem('unknown_model'));
    const open = user.as(() => one.directory.open(id));
    if (how === 'inactive') expect(await open).toMatchObject({ provider_name: 'main' });
    else
      await expect(open).rejects.toEqual(problem(how === 'without credentials' ? 'provider_not_ready' : 'not_found'));
  });

  it('says what is wrong with credentials, and passes over them', async () => {
    const bad = await provider('bad', { api_key: 'ключ' });
    await expect(byId(bad)).rejects.toEqual(problem('agent_not_ready', /API key/));
    const elsewhere = await stage.replica({}, [newKey()]);
    const good = await provider('good');
    await expect(byId(good, elsewhere)).rejects.toEqual(problem('agent_not_ready', /cannot be decrypted/));
    const choices = [bad, good].map((provider_id) => ({ provider_id, model: 'm' }));
    const candidates = await user.as(() => one.directory.candidates(choices));
    expect(candidates.map(({ provider_name }) => provider_name)).toEqual(['good']);
    await expect(user.as(() => elsewhere.directory.candidates(choices))).rejects.toEqual(problem('agent_not_ready'));
    expect(await user.as(() => elsewhere.directory.active())).toEqual([]);
  });

  it('finds provider/model, whatever the model is called', async () => {
    const id = await provider('main');
    for (const model of ['m', 'meta/llama-3:free', 'a/b/c'])
      expect(await user.as(() => one.directory.byName(`main/${model}`))).toMatchObject({ provider_id: id, model });
    for (const name of ['main', 'main/', '/m', 'Main/m', 'nobody/m', '', '/', `${'x'.repeat(1e6)}/m`])
      await expect(user.as(() => one.directory.byName(name))).rejects.toEqual(problem('unknown_model'));
  });

  it('builds one adapter per provider and credential', async () => {
    const id = await provider('main');
    await upToDate(one, other);
    const before = await byId(id);
    expect((await byId(id)).adapter).toBe(before.adapter);
    expect((await user.as(() => one.directory.byName('main/other'))).adapter).toBe(before.adapter);
    await user.as(() => one.providers.putCredentials({ id, api_key: 'sk-another' }));
    const after = await byId(id);
    expect(after.adapter).not.toBe(before.adapter);
    expect(after.credential_id).not.toBe(before.credential_id);
  });
});

describe('a change', () => {
  it('of a provider holds at once at this replica and at the others', async () => {
    const id = await provider('main');
    const [here, there] = [() => byId(id), () => byId(id, other)];
    const { settings, credential_id } = await there();
    expect(settings).toEqual({});

    await user.as(() => one.providers.update({ id, settings: { max_retries: 5 } }));
    expect((await here()).settings).toEqual({ max_retries: 5 });
    await until(async () => (await there()).settings.max_retries === 5);

    await user.as(() => one.providers.putCredentials({ id, api_key: 'sk-another' }));
    await until(async () => (await there()).credential_id !== credential_id);

    await user.as(() => one.providers.update({ id, is_active: false }));
    await expect(here()).rejects.toEqual(problem('agent_not_ready'));
    await until(() =>
      there().then(
        () => false,
        () => true,
      ),
    );

    const next = await provider('next');
    await until(async () => (await nameOf(null, other).catch(() => '')) === 'next');
    await user.as(() => one.providers.remove(next));
    await until(() =>
      byId(next, other).then(
        () => false,
        () => true,
      ),
    );
  });

  it('of an agent, too, and another tenant sees none of them', async () => {
    const fields = { name: 'A', slug: 'a', system_prompt: 'One.', model: 'm' };
    const { id } = await user.as(() => one.agents.create(fields));
    const there = () => user.as(() => other.agentDirectory.byId(id));
    const named = () => user.as(() => other.agentDirectory.bySlug('a'));
    expect(await there()).toEqual(await named());
    const stranger = await stage.newUser();
    await expect(stranger.as(() => other.agentDirectory.byId(id))).rejects.toEqual(problem('not_found'));
    await expect(stranger.as(() => other.agentDirectory.bySlug('a'))).rejects.toEqual(problem('unknown_model'));

    await user.as(() => one.agents.update({ id, system_prompt: 'Two.' }));
    expect((await user.as(() => one.agentDirectory.byId(id))).system_prompt).toBe('Two.');
    await until(async () => (await there()).system_prompt === 'Two.');
    await user.as(() => one.agents.update({ id, is_active: false }));
    await until(async () => !(await there()).is_active);
    await expect(named()).rejects.toEqual(problem('unknown_model'));
    await user.as(() => one.agents.remove(id));
    await until(() =>
      there().then(
        () => false,
        () => true,
      ),
    );
  });

  it('asks the database no more until then', async () => {
    const id = await provider('main');
    await upToDate(other, one);
    await byId(id, other);
    // Behind the services' back: nobody is told.
    await stage.admin.query('update providers set is_active = false where id = $1', [id]);
    expect(await nameOf(id, other)).toBe('main');
  });
});
