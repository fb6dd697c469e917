import type { User } from '@taai/contracts';
import { credentials, foreignRowsOf, newcomer, rowsOf, startAuth, type TestAuth } from './auth.testing';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

/** A user with a session that was refreshed and ended, a link, an access change, and an answer kept for a key. */
async function someone(): Promise<User> {
  const input = newcomer();
  const { user } = await app.registrations.register(input);
  const { refresh_token } = await app.logins.login(credentials(input));
  const next = await app.sessions.refresh({ refresh_token });
  await app.sessions.logout(next);
  await app.passwords.forgot({ email: user.email });
  await app.background.settled();
  await keepAnswers(user, 1, "now() + interval '1 hour'");
  return user;
}

/** Answers of another service. */
const keepAnswers = (user: User, count: number, expires_at: string) =>
  foreignRowsOf(
    app,
    user,
    `insert into idempotency_keys (tenant_id, user_id, method, key, request_hash, response, expires_at)
     select $1, $2, 'task.create', gen_random_uuid()::text, '', 'null', ${expires_at} from generate_series(1, $3)`,
    [user.id, count],
  );

const TABLES = ['sessions', 'used_refresh_tokens', 'one_time_tokens', 'access_changes', 'idempotency_keys'];

const countIn = async (table: string, user: User): Promise<number> =>
  (await foreignRowsOf(app, user, `select from ${table} where tenant_id = $1`)).length;

async function countsOf(user: User): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) counts[table] = await countIn(table, user);
  return counts;
}

const allAre = (count: number) => Object.fromEntries(TABLES.map((table) => [table, count]));

const sweep = () => app.expiry.sweep();

test('what has expired goes, in every tenant; the rest stays', async () => {
  const [first, second, stays] = [await someone(), await someone(), await someone()];
  for (const user of [first, second]) {
    await rowsOf(app, user, `update sessions set expires_at = now() - interval '7 days 1 minute'`);
    await rowsOf(app, user, 'update one_time_tokens set expires_at = now()');
    await foreignRowsOf(app, user, 'update idempotency_keys set expires_at = now() where tenant_id = $1');
  }
  await rowsOf(app, stays, `update sessions set expires_at = now() - interval '6 days 23 hours'`);
  await sweep();

  for (const user of [first, second]) expect(await countsOf(user)).toEqual({ ...allAre(0), access_changes: 1 });
  expect(await countsOf(stays)).toEqual(allAre(1));
});

test('access changes go after a day', async () => {
  const user = await someone();
  const insert = `insert into access_changes (tenant_id, kind, id, at) values ($1, 'user', $2, now() - $3::interval)`;
  await rowsOf(app, user, insert, [user.tenant_id, user.id, '24 hours 1 minute']);
  await rowsOf(app, user, insert, [user.tenant_id, user.id, '23 hours 59 minutes']);
  await sweep();
  expect(await countsOf(user)).toMatchObject({ access_changes: 2 });
});

test('more than a batch goes at once, and several may sweep', async () => {
  const user = await someone();
  await keepAnswers(user, 2500, 'now()');
  await Promise.all([sweep(), sweep(), sweep()]);
  expect(await countsOf(user)).toMatchObject({ idempotency_keys: 1 });
});
