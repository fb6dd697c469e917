import type { AuditRecord, ListAuditLogs } from '@taai/contracts';
import { openDataSource, RlsPool } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { AuditRepository } from './audit.repository';
import { AuditService } from './audit.service';
import { AuditVerifier } from './audit.verifier';

/** The audit log on a database of its own. */
export async function openAuditLog() {
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.auth, pool: 8 });
  const admin = new Client(database.adminUrl);
  await admin.connect();
  const repository = new AuditRepository(new RlsPool(source, { prepare: true }));
  const service = new AuditService(source, repository, new AuditVerifier(repository));

  const as = <T>(tenant_id: string, work: () => Promise<T>) =>
    runAs({ tenant_id, permissions: ['*:*'], issuer: 'webhook' }, work);

  return {
    source,
    /** The superuser, whom neither grants nor policies stop. */
    admin,
    repository,
    createTenant: () => createTenant(database),
    append: (tenant_id: string, entries: AuditRecord[]) => as(tenant_id, () => service.append({ entries })),
    verify: (tenant_id: string, after?: number) => as(tenant_id, () => service.verify({ after })),
    list: (tenant_id: string, query: Partial<ListAuditLogs> = {}) =>
      as(tenant_id, () => service.list({ limit: 20, ...query })),
    denied: (entries: Parameters<AuditService['denied']>[0]['entries']) => as(v7(), () => service.denied({ entries })),
    close: async () => {
      await source.destroy();
      await admin.end();
      await database.drop();
    },
  };
}

export type AuditLogUnderTest = Awaited<ReturnType<typeof openAuditLog>>;

export const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  id: v7(),
  actor_type: 'user',
  actor_id: 'ada',
  action: 'agent.updated',
  target_type: 'agent',
  target_id: 'helper',
  before: { name: 'Old' },
  after: { name: 'New' },
  request_id: 'r',
  ip: '192.0.2.7',
  created_at: new Date().toISOString(),
  ...more,
});

export const records = (count: number) => Array.from({ length: count }, () => record());
