import { migrateDatabase } from '../schema/migrator';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const CANONICAL_EMAILS = 'CanonicalEmails1764300000030';

const addUser = async (email: string) =>
  database.admin(
    `insert into users (tenant_id, id, email, role, created_at) values ($1, gen_random_uuid(), $2, 'admin', clock_timestamp())`,
    [await createTenant(database), email],
  );

/** As if a release before the migration had stored the users. */
async function migrateAgain(): Promise<string[]> {
  await database.admin('delete from migrations where name = $1', [CANONICAL_EMAILS]);
  return migrateDatabase({ migrator: database.migratorUrl, services: database.urls });
}

test('stored addresses get their one spelling, of every tenant, unless somebody else has it', async () => {
  const stored = [
    'ada@exämple.com',
    'ada@exämple.com.',
    'bob@xn--exmple-cua.com',
    'bob@exämple.com',
    'zoë@example.com',
  ];
  for (const email of stored) await addUser(email);

  expect(await migrateAgain()).toEqual([CANONICAL_EMAILS]);

  const users = await database.admin<{ email: string }>('select email from users order by created_at');
  expect(users.map(({ email }) => email)).toEqual([
    'ada@xn--exmple-cua.com',
    'ada@exämple.com.',
    'bob@xn--exmple-cua.com',
    'bob@exämple.com',
    'zoë@example.com',
  ]);
  const forced = `select relforcerowsecurity as is_forced from pg_class where relname = 'users'`;
  expect(await database.admin(forced)).toEqual([{ is_forced: true }]);
});
