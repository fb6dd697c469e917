import { ProblemError } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { OutboxRelay } from './outbox.relay';
import { OutboxRepository } from './outbox.repository';
import { OutboxService } from './outbox.service';
import { createService, type Service } from '../webhook.testing';
import { WebhookService } from '../endpoint/webhook.service';

let service: Service;
let relay: OutboxRelay;
let events: OutboxService;

beforeAll(async () => {
  service = await createService();
  relay = service.module.get(OutboxRelay);
  events = service.module.get(OutboxService);
});
afterAll(() => service.close());
afterEach(() => {
  service.auditLog.refuse = undefined;
  service.auditLog.asked.length = 0;
});

async function drain(): Promise<void> {
  await relay.drain();
  await events.settled();
}

describe('audit entries', () => {
  /** What auth was asked to append, call by call. */
  const appended = () => service.auditLog.asked.map(({ entries }) => entries.map(({ after }) => after?.['n']));
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  it('go to auth whole, oldest first, those of one tenant together, and to no webhook', async () => {
    const [tenant, other] = [await service.createTenant(), await service.createTenant()];
    const subscribe = () =>
      service.module.get(WebhookService).create({ url: 'http://127.0.0.1:9/', events: ['task.created'] });
    await service.as(tenant, subscribe);
    await drain();
    service.auditLog.asked.length = 0;
    await service.inTenant(tenant, `update webhooks set events = '{audit.recorded,mail.requested}'`);
    await service.audit(tenant, ...numbers(1, 5).map((n) => ({ n })));
    await service.audit(other, { n: 6 });
    const [row] = await service.inTenant<{ id: string; payload: { created_at: string } }>(
      tenant,
      'select * from outbox order by id',
    );
    await drain();
    expect(appended().sort()).toEqual([[1, 2, 3, 4, 5], [6]]);
    const first = service.auditLog.asked.flatMap(({ entries }) => entries).find(({ id }) => id === row?.id);
    expect(first).toEqual({
      id: row?.id,
      created_at: row?.payload.created_at,
      actor_type: 'user',
      actor_id: expect.any(String),
      action: 'agent.updated',
      target_type: 'agent',
      target_id: 'a',
      before: null,
      after: { n: 1 },
      request_id: expect.any(String),
      ip: null,
    });
    expect([...(await service.outbox(tenant)), ...(await service.outbox(other))]).toEqual([]);
    expect(await service.deliveries(tenant)).toEqual([]);
  });

  it('go in calls that the transport can carry', async () => {
    const tenant = await service.createTenant();
    const texts = Object.fromEntries(numbers(1, 4).map((n) => [`text_${n}`, '…'.repeat(1300)]));
    await service.audit(tenant, ...numbers(1, 230).map((n) => (n <= 100 ? { n } : { n, ...texts })));
    await drain();
    expect(appended().flat()).toEqual(numbers(1, 230));
    expect(appended()[0]).toHaveLength(100);
    expect(appended()[1]?.length).toBeLessThan(100);
    for (const call of service.auditLog.asked) expect(Buffer.byteLength(JSON.stringify(call))).toBeLessThan(1_500_000);
  });

  it('that auth refuses wait, and younger ones do not overtake them', async () => {
    const tenant = await service.createTenant();
    service.auditLog.refuse = () => new ProblemError('service_unavailable');
    await service.audit(tenant, { n: 1 });
    await drain();
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1, parked: false }]);
    service.auditLog.refuse = undefined;
    await service.audit(tenant, { n: 2 });
    await drain();
    expect(appended()).toEqual([[1], [1, 2]]);
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('are not overtaken by those of another relay either', async () => {
    const tenant = await service.createTenant();
    await service.audit(tenant, { n: 1 }, { n: 2 }, { n: 3 });
    await service.module.get(OutboxRepository).claim(2, 60);
    await drain();
    expect(appended()).toEqual([[1, 2, 3]]);
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('are never given up', async () => {
    const tenant = await service.createTenant();
    service.auditLog.refuse = () => new ProblemError('internal');
    await service.audit(tenant, { n: 1 });
    await service.inTenant(tenant, 'update outbox set attempts = 5000');
    await drain();
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 5001, parked: false }]);
    service.auditLog.refuse = undefined;
    await service.inTenant(tenant, 'update outbox set claimed_until = null');
    await drain();
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('are dropped when their tenant is gone', async () => {
    const tenant = await service.createTenant();
    service.auditLog.refuse = () => new ProblemError('not_found');
    await service.audit(tenant, { n: 1 });
    await drain();
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('do not wait behind a chat that hangs', async () => {
    const tenant = await service.createTenant();
    const hang = Promise.withResolvers<never>();
    const settle = jest.spyOn(service.chat, 'settle').mockReturnValue(hang.promise);
    for (let n = 0; n < 70; n += 1) {
      await service.emit(tenant, 'agent.run.completed', { run_id: v7(), conversation_id: v7() });
    }
    await service.audit(tenant, { n: 1 });
    await relay.drain();
    await until(() => appended().length === 1);
    hang.reject(new ProblemError('deadline_exceeded'));
    settle.mockRestore();
    await events.settled();
  });
});
