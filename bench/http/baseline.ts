// The baseline: what the same two routes cost without anything of ours. One Fastify process on pg, no token, no permission, no row level
// security (it connects as the tables' superuser), no log, no metric, no RPC. Run by Node itself: node bench/http/baseline.ts
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const { DATABASE_URL, DATABASE_POOL, PORT } = process.env;

const columns =
  'id, title, description, status, priority, due_at, assignee_id, labels, created_by, created_at, updated_at, completed_at';
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(DATABASE_POOL) });
const app = Fastify();

interface NewTask {
  title: string;
  description?: string;
}

const tenantOf = (headers: Record<string, unknown>) => headers['x-tenant-id'];

app.get('/health/ready', () => ({ status: 'ok' }));

app.get<{ Querystring: { limit: string } }>('/v1/tasks', async ({ headers, query }) => {
  const limit = Number(query.limit);
  const { rows } = await pool.query({
    name: 'list',
    text: `SELECT ${columns} FROM tasks WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2`,
    values: [tenantOf(headers), limit + 1],
  });
  return { data: rows.slice(0, limit), has_more: rows.length > limit, next_cursor: null };
});

app.post<{ Body: NewTask }>('/v1/tasks', async ({ headers, body }, reply) => {
  const { rows } = await pool.query({
    name: 'insert',
    text: `INSERT INTO tasks (tenant_id, id, title, description) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
    values: [tenantOf(headers), randomUUID(), body.title, body.description],
  });
  return reply.status(201).send(rows[0]);
});

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
