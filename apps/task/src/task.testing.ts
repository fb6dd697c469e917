import { openDataSource, RlsPool, type OutboxEntity } from '@taai/entities';
import { createTenant, createTestDatabase, createUser } from '@taai/entities-testing';
import { runInContext, type Caller } from '@taai/tenant';
import { TaskHandler } from './task.handler';
import { TaskRepository } from './task.repository';
import { TaskService } from './task.service';

/** Does something as a user of a tenant, with an Idempotency-Key if there is one. */
export type As = <T>(work: () => T, idempotency_key?: string) => T;

export interface Somebody {
  tenant_id: string;
  user_id: string;
  as: As;
}

/** The service on a database of its own. */
export async function openTaskService() {
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.task, pool: 8 });

  /** A user of the tenant, or of a new one. */
  async function newUser(tenant?: string): Promise<Somebody> {
    const tenant_id = tenant ?? (await createTenant(database));
    const user_id = await createUser(database, tenant_id);
    const caller: Caller = { tenant_id, user_id, permissions: ['*:*'], issuer: 'gateway' };
    const as: As = (work, idempotency_key) =>
      runInContext({ request_id: 'spec', caller, ...(idempotency_key && { idempotency_key }) }, work);
    return { tenant_id, user_id, as };
  }

  return {
    tasks: new TaskHandler(new TaskService(source, new TaskRepository(new RlsPool(source, { prepare: true })))),
    newUser,
    /** What waits to leave, oldest first. */
    outbox: ({ tenant_id }: Somebody) =>
      database.admin<OutboxEntity>('select * from outbox where tenant_id = $1 order by id', [tenant_id]),
    async close() {
      await source.destroy();
      await database.drop();
    },
  };
}
