import pg from 'pg';

export interface Person {
  tenant_id: string;
  user_id: string;
}

const TENANTS = 1000;
const TASKS = 1_000_000;

const uuid = (prefix: string, n: string) => `('${prefix}-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** Fills an empty database: 1,000 tenants on the plan `unlimited`, a user each whose session has the user's id, and 1,000,000 tasks, dealt in turn. */
export async function fillDatabase(adminUrl: string): Promise<Person[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const tenants = `generate_series(1, ${TENANTS}) n`;
    await client.query(
      `INSERT INTO tenants (id, name, plan_id) SELECT ${uuid('01900000', 'n')}, 'Tenant ' || n, 'unlimited' FROM ${tenants}`,
    );
    await client.query(
      `INSERT INTO users (tenant_id, id, email, role)
       SELECT ${uuid('01900000', 'n')}, ${uuid('01910000', 'n')}, 'user' || n || '@example.com', 'admin' FROM ${tenants}`,
    );
    await client.query(
      `INSERT INTO sessions (tenant_id, id, user_id, expires_at)
       SELECT tenant_id, id, id, now() + interval '1 day' FROM users`,
    );
    await client.query(
      `INSERT INTO tasks (tenant_id, id, title, description, status, created_at)
       SELECT ${uuid('01900000', `n % ${TENANTS} + 1`)}, ${uuid('01920000', 'n')}, 'Task ' || n, repeat('An ordinary description. ', 4),
         (ARRAY['todo', 'in_progress', 'done'])[n % 3 + 1], now() - (${TASKS} - n) * interval '1 second'
       FROM generate_series(1, ${TASKS}) n`,
    );
    await client.query('VACUUM ANALYZE');
    const { rows } = await client.query<Person>('SELECT tenant_id, id AS user_id FROM users ORDER BY id LIMIT 100');
    return rows;
  } finally {
    await client.end();
  }
}
