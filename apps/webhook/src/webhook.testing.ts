import { randomBytes } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { keys, log, PROCESS_CONFIG, REDIS, whenReady } from '@taai/platform';
import { audit, emit, withTenantId, type OutboxEntity, type WebhookDeliveryEntity } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import { redisUrl, testRedis } from '@taai/platform-testing';
import {
  ProblemError,
  type AppendAudit,
  type ComposedMail,
  type ComposeMail,
  type ConversationRun,
  type OutboxType,
} from '@taai/contracts';
import { runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AUDIT_LOG, type AuditLog } from './outbox/audit.consumer';
import { MAIL_COMPOSER, type MailComposer } from './mail/mail.service';
import { REPLIES, type Replies } from './outbox/reply.consumer';

/** Chat, as far as the relay sees it. */
class FakeChat implements Replies {
  readonly asked: ConversationRun[] = [];
  refuse: ((reply: ConversationRun) => Error | undefined) | undefined;

  async settle(reply: ConversationRun) {
    this.asked.push(reply);
    const refusal = this.refuse?.(reply);
    if (refusal) throw refusal;
  }
}

/** Auth, as far as the relay sees it. */
class FakeAuditLog implements AuditLog {
  readonly asked: AppendAudit[] = [];
  refuse: ((entries: AppendAudit) => Error | undefined) | undefined;

  async append(entries: AppendAudit) {
    this.asked.push(entries);
    const refusal = this.refuse?.(entries);
    if (refusal) throw refusal;
  }
}

/** Auth, as far as mails see it: it mints a token whenever it is asked for one that is wanted. */
class FakeAuth implements MailComposer {
  readonly wanted = new Map<string, Omit<ComposedMail, 'token'>>();
  readonly minted: string[] = [];

  async compose({ token_id }: ComposeMail): Promise<ComposedMail> {
    const mail = this.wanted.get(token_id);
    if (!mail) throw new ProblemError('not_found');
    const token = randomBytes(32).toString('base64url');
    this.minted.push(token);
    return { ...mail, token };
  }
}

/** The service on a database and a queue of its own. Nothing runs in the background until `module.init()`. */
export async function createService({ outboundAllow = '127.0.0.0/8', smtpUrl = '' } = {}) {
  const database = await createTestDatabase();
  process.env['DATABASE_URL'] = database.urls.webhook;
  process.env['DATABASE_POOL'] = '5';
  process.env['ENCRYPTION_KEYS'] = Buffer.alloc(32, 1).toString('base64url') + '=';
  process.env['OUTBOUND_ALLOW'] = outboundAllow;
  process.env['SMTP_URL'] = smtpUrl;
  log.level = 'silent';
  const prefix = `{bull-${randomBytes(6).toString('hex')}}`;
  jest.spyOn(keys, 'bull').mockReturnValue(prefix);

  const redis = testRedis('commands');
  await whenReady(redis);
  const shared = [
    { provide: PROCESS_CONFIG, useValue: { redisUrl: redisUrl() } },
    { provide: REDIS, useValue: redis },
  ];
  @Global()
  @Module({ providers: shared, exports: shared.map(({ provide }) => provide) })
  class PlatformModule {}

  const [chat, auditLog, auth] = [new FakeChat(), new FakeAuditLog(), new FakeAuth()];
  // Only now: the module reads the environment as it is loaded.
  const { AppModule } = await import('./app.module');
  const module = await Test.createTestingModule({ imports: [PlatformModule, AppModule] })
    .overrideProvider(REPLIES)
    .useValue(chat)
    .overrideProvider(AUDIT_LOG)
    .useValue(auditLog)
    .overrideProvider(MAIL_COMPOSER)
    .useValue(auth)
    .compile();
  const db = module.get(DataSource);
  return {
    module,
    db,
    chat,
    auditLog,
    auth,
    queuePrefix: prefix,
    migratorUrl: database.migratorUrl,
    admin: (sql: string, parameters: unknown[] = []) => database.admin(sql, parameters),
    ...actions(db),
    createTenant: () => createTenant(database),
    async close() {
      await module.close();
      redis.disconnect();
      await database.drop();
    },
  };
}

export type Service = Awaited<ReturnType<typeof createService>>;

function actions(db: DataSource) {
  const inTenant = <T extends object>(tenant_id: string, sql: string, parameters: unknown[] = []) =>
    withTenantId(db, tenant_id, (tx) => tx.write<T>(sql, parameters));
  return {
    as: <T>(tenant_id: string, work: () => Promise<T>) =>
      runAs({ tenant_id, permissions: ['*:*'], issuer: 'gateway' }, work),
    /** Commits an event of whatever data: nothing here reads it. */
    emit: async (tenant_id: string, type: OutboxType, data: OutboxEntity['payload']['data'] = {}) => {
      const event = { id: v7(), type, created_at: new Date().toISOString(), tenant_id, data };
      const sql = 'insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4)';
      await inTenant(tenant_id, sql, [tenant_id, event.id, type, event]);
      return event;
    },
    /** Commits audited changes, one for each state after it. */
    audit: (tenant_id: string, ...states: object[]) =>
      runAs({ tenant_id, user_id: v7(), permissions: [], issuer: 'gateway' }, () =>
        withTenantId(db, tenant_id, async (tx) => {
          const target = { type: 'agent', id: 'a' };
          for (const after of states) await audit(tx, { action: 'agent.updated', target, after });
        }),
      ),
    /** Has a mail sent with the one-time token of the id, which is made up. */
    requestMail: async (tenant_id: string) => {
      const token_id = v7();
      const { id } = await withTenantId(db, tenant_id, (tx) => emit(tx, 'mail.requested', { token_id }));
      return { ref: { tenant_id, id }, token_id };
    },
    outbox: (tenant_id: string) =>
      inTenant<{ id: string; attempts: number; parked: boolean }>(
        tenant_id,
        `select id, attempts, claimed_until = 'infinity' is true as parked from outbox order by id`,
      ),
    deliveries: (tenant_id: string) =>
      inTenant<WebhookDeliveryEntity>(tenant_id, 'select * from webhook_deliveries order by id'),
    inTenant,
  };
}
