import { hash, verify } from '@node-rs/bcrypt';
import { Client } from 'pg';
import { from, newcomer, outcomeOf, rowsOf, someIp, startAuth, type TestAuth } from './auth.testing';
import { COST } from './module.testing';

/** What a stranger can find out about whether there is an account: nothing. */

// The real thing, watched: how often it is asked, and at what cost.
jest.mock('@node-rs/bcrypt', () => {
  const real = jest.requireActual<typeof import('@node-rs/bcrypt')>('@node-rs/bcrypt');
  return { ...real, verify: jest.fn(real.verify), hash: jest.fn(real.hash) };
});
const watched = { verify: jest.mocked(verify), hash: jest.mocked(hash) };
const queries = jest.spyOn(Client.prototype, 'query');

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

/** Addresses of accounts of each kind; nobody has the last one. */
async function someAccounts(): Promise<Record<string, string>> {
  const known = async (sql?: string) => {
    const { user } = await app.registrations.register(newcomer());
    if (sql) await rowsOf(app, user, sql);
    return user.email;
  };
  return {
    known: await known(),
    inactive: await known('update users set is_active = false'),
    invited: await known('update users set password_hash = null'),
    suspended: await known(`update tenants set status = 'suspended'`),
    unknown: newcomer().email,
  };
}

const costOf = (hash: unknown) => Number(String(hash).split('$')[2]);

/** What the work takes of the machine, and what it answers. */
async function observe(work: () => Promise<unknown>) {
  jest.clearAllMocks();
  const answer = JSON.stringify(await outcomeOf(work()));
  await app.background.settled();
  return {
    answer,
    queries: queries.mock.calls.length,
    checks: watched.verify.mock.calls.map(([, stored]) => costOf(stored)),
    hashes: watched.hash.mock.calls.map(([, cost]) => cost),
  };
}

async function observeEach(work: (email: string) => Promise<unknown>) {
  const observed: Record<string, Awaited<ReturnType<typeof observe>>> = {};
  for (const [kind, email] of Object.entries(await someAccounts())) {
    observed[kind] = await observe(() => from(someIp(), () => work(email)));
  }
  return observed;
}

const allLike = <T>(expected: T) =>
  Object.fromEntries(['known', 'inactive', 'invited', 'suspended', 'unknown'].map((kind) => [kind, expected]));

test('a wrong password: the same bytes, the same hash at the same cost, the same number of queries', async () => {
  const observed = await observeEach((email) => app.logins.login({ email, password: 'another horse' }));

  expect(observed).toEqual(allLike(observed['unknown']));
  expect(observed['unknown']).toMatchObject({ checks: [COST], hashes: [] });
  expect(observed['unknown']?.queries).toBeGreaterThan(0);
  expect(observed['unknown']?.answer).toContain('invalid_credentials');
});

test('too many wrong passwords: the same bytes, no hash, no query', async () => {
  const observed = await observeEach(async (email) => {
    const guess = () => from(someIp(), () => app.logins.login({ email, password: 'another horse' }));
    await Promise.all(Array.from({ length: 5 }, () => outcomeOf(guess())));
    jest.clearAllMocks();
    return guess();
  });

  expect(observed).toEqual(allLike(observed['unknown']));
  expect(observed['unknown']).toMatchObject({ queries: 0, checks: [], hashes: [] });
  expect(observed['unknown']?.answer).toContain('rate_limited');
});

test('a password stored at a lower cost takes as long to refuse as one at the present cost', async () => {
  const { user } = await app.registrations.register(newcomer());
  const login = () => app.loginsAt(COST + 3).login({ email: user.email, password: 'another horse' });
  await outcomeOf(login()); // the service's own hash for nobody is made

  const { checks, hashes } = await observe(login);

  const rounds = [...checks, ...hashes.filter((cost) => cost !== COST + 3)].map((cost) => 2 ** Number(cost));
  expect(rounds.reduce((sum, some) => sum + some)).toBe(2 ** (COST + 3));
});

test('a forgotten password: the same answer, before anything is looked up', async () => {
  const observed = await observeEach(async (email) => {
    const answer = await app.passwords.forgot({ email });
    return { answer, queries: queries.mock.calls.length };
  });

  for (const { answer } of Object.values(observed)) expect(answer).toBe(observed['unknown']?.answer);
  for (const { hashes, checks } of Object.values(observed)) expect([...hashes, ...checks]).toEqual([]);
});
