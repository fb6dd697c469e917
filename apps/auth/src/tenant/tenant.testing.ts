import { databaseServices, type DatabaseService } from '@taai/contracts';
import { openDataSource, TenantData } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import { v7 } from 'uuid';
import type { TenantDataOf } from './tenant-data.clients';

/** A database of its own, and every service's access to it without the way through Redis. */
export async function openTenants() {
  const database = await createTestDatabase();
  const open = (service: DatabaseService) => openDataSource({ url: database.urls[service], pool: 4 });
  const sources = new Map(
    await Promise.all(databaseServices.map(async (service) => [service, await open(service)] as const)),
  );
  const sourceOf = (service: DatabaseService) => {
    const found = sources.get(service);
    if (!found) throw new Error(`${service} has no connection.`);
    return found;
  };
  const admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  const dataOf: TenantDataOf = (service) => new (TenantData(service))(sourceOf(service));
  return {
    source: sourceOf('auth'),
    admin,
    dataOf,
    newTenant: () => createTenant(database),
    /** Does something as an admin of the tenant. */
    as: <T>(tenant_id: string, work: () => T): T =>
      runAs({ tenant_id, user_id: v7(), permissions: ['*:*'], issuer: 'gateway' }, work),
    /** Rows as the superuser sees them, of all tenants. */
    see: async (sql: string, ...params: unknown[]) => (await admin.query<Record<string, unknown>>(sql, params)).rows,
    /** What was told of the tenant's changes: audit entries on their way, and the gateways' feed. */
    async traces(tenant: string) {
      const { rows } = await admin.query<{ data: { action: string; actor_type: string } }>(
        `select payload -> 'data' as data from outbox where tenant_id = $1 and type = 'audit.recorded' order by id`,
        [tenant],
      );
      const feed = await admin.query<{ kind: string; id: string }>(
        'select kind, id from access_changes where tenant_id = $1 order by seq',
        [tenant],
      );
      return { audited: rows.map(({ data }) => data), feed: feed.rows };
    },
    async close() {
      await admin.end();
      for (const source of sources.values()) await source.destroy();
      await database.drop();
    },
  };
}
