import { ProblemError, type EventType } from '@taai/contracts';
import { emit, withTenantId } from '@taai/entities';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { OutboxRelay } from './outbox.relay';
import { OutboxRepository, MAX_CLAIMS } from './outbox.repository';
import { OutboxService } from './outbox.service';
import { createService, type Service } from '../webhook.testing';
import { WakeSignals } from '../wake-signals';
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
  service.chat.refuse = undefined;
  service.chat.asked.length = 0;
});

const register = (tenant: string, ...types: EventType[]) =>
  service.as(tenant, () => service.module.get(WebhookService).create({ url: 'http://127.0.0.1:9/', events: types }));

async function drain(): Promise<void> {
  await relay.drain();
  await events.settled();
}

/** Lets go of the leases on a tenant's events, as time would. */
const release = (tenant: string) => service.inTenant(tenant, 'update outbox set claimed_until = null');

describe('the relay', () => {
  it('makes one delivery per event and active endpoint that subscribes, and empties the outbox', async () => {
    const [tenant, other] = [await service.createTenant(), await service.createTenant()];
    const both = await register(tenant, 'task.created', 'task.deleted');
    const one = await register(tenant, 'task.created');
    const inactive = await register(tenant, 'task.created');
    await service.as(tenant, () => service.module.get(WebhookService).update({ id: inactive.id, is_active: false }));
    await register(other, 'task.created');
    const created = await service.emit(tenant, 'task.created', { title: 'Write' });
    const deleted = await service.emit(tenant, 'task.deleted');
    await service.emit(tenant, 'task.updated');
    await drain();
    const deliveries = await service.deliveries(tenant);
    expect(deliveries.map(({ event_id, webhook_id }) => `${event_id} ${webhook_id}`).sort()).toEqual(
      [`${created.id} ${both.id}`, `${created.id} ${one.id}`, `${deleted.id} ${both.id}`].sort(),
    );
    expect(deliveries[0]).toMatchObject({
      status: 'pending',
      attempts: 0,
      event_type: 'task.created',
      payload: created,
    });
    expect(await service.outbox(tenant)).toEqual([]);
    expect(await service.deliveries(other)).toEqual([]);
  });

  it('shares the work: two of them at once make each delivery once', async () => {
    const tenants = await Promise.all([1, 2, 3].map(() => service.createTenant()));
    for (const tenant of tenants) await register(tenant, 'task.deleted');
    for (const tenant of tenants) {
      await withTenantId(service.db, tenant, async (tx) => {
        for (let n = 0; n < 400; n += 1) await emit(tx, 'task.deleted', { id: String(n) });
      });
    }
    const repository = service.module.get(OutboxRepository);
    const claim = jest.spyOn(repository, 'claim');
    const relays = [1, 2].map(() => new OutboxRelay(repository, events, service.module.get(WakeSignals)));
    await Promise.all(relays.map((one) => one.drain()));
    const results = await Promise.all(
      claim.mock.results.map(({ value }) => value as ReturnType<typeof repository.claim>),
    );
    const claims = results.flat().map(({ id }) => id);
    claim.mockRestore();
    // The audit entries of the endpoints among them.
    expect(claims).toHaveLength(1203);
    expect(new Set(claims).size).toBe(1203);
    for (const tenant of tenants) {
      const deliveries = await service.deliveries(tenant);
      expect(new Set(deliveries.map(({ event_id }) => event_id)).size).toBe(400);
      expect(deliveries).toHaveLength(400);
    }
    await events.settled();
    for (const tenant of tenants) expect(await service.outbox(tenant)).toEqual([]);
  });

  it('makes no second delivery when an event is relayed again', async () => {
    const tenant = await service.createTenant();
    await register(tenant, 'agent.run.failed');
    service.chat.refuse = () => new ProblemError('service_unavailable');
    await service.emit(tenant, 'agent.run.failed', { run_id: v7(), conversation_id: v7() });
    await drain();
    await release(tenant);
    await drain();
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 2 }]);
    expect(await service.deliveries(tenant)).toHaveLength(1);
  });

  it('takes of all tenants in turn, however many events one has, and fills the batch', async () => {
    const [first, ...others] = [
      await service.createTenant(),
      await service.createTenant(),
      await service.createTenant(),
    ];
    await withTenantId(service.db, first ?? '', async (tx) => {
      for (let n = 0; n < 40; n += 1) await emit(tx, 'task.deleted', { id: String(n) });
    });
    for (const tenant of others) await service.emit(tenant, 'task.created');
    const claimed = await service.module.get(OutboxRepository).claim(20, 60);
    const counts = [first, ...others].map((tenant) => claimed.filter(({ tenant_id }) => tenant_id === tenant).length);
    expect(counts).toEqual([18, 1, 1]);
    await drain();
  });

  it('leaves events alone that another relay has, until its lease ends', async () => {
    const tenant = await service.createTenant();
    await service.emit(tenant, 'task.created');
    await service.module.get(OutboxRepository).claim(500, 60);
    await drain();
    expect(await service.outbox(tenant)).toHaveLength(1);
    await service.inTenant(tenant, `update outbox set claimed_until = now() - interval '1 s'`);
    await drain();
    expect(await service.outbox(tenant)).toEqual([]);
  });
});

describe('the end of a run', () => {
  it.each(['completed', 'failed', 'cancelled'] as const)(
    'has the answer of a %s one written into its conversation, if it has one',
    async (status) => {
      const tenant = await service.createTenant();
      const reply = { run_id: v7(), conversation_id: v7() };
      await service.emit(tenant, `agent.run.${status}`, { ...reply, status });
      await service.emit(tenant, `agent.run.${status}`, { run_id: v7(), conversation_id: null });
      await drain();
      expect(service.chat.asked).toEqual([reply]);
      expect(await service.outbox(tenant)).toEqual([]);
    },
  );

  it('is done with when the conversation is gone', async () => {
    const tenant = await service.createTenant();
    service.chat.refuse = () => new ProblemError('not_found');
    await service.emit(tenant, 'agent.run.failed', { run_id: v7(), conversation_id: v7() });
    await drain();
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('waits longer each time that chat refuses it, is given up in the end, and holds nothing else up', async () => {
    const tenant = await service.createTenant();
    const poison = { run_id: v7(), conversation_id: v7() };
    service.chat.refuse = ({ run_id }) => (run_id === poison.run_id ? new Error('poison') : undefined);
    await service.emit(tenant, 'agent.run.completed', poison);
    await service.emit(tenant, 'agent.run.completed', { run_id: v7(), conversation_id: v7() });
    await service.emit(tenant, 'task.created');
    await drain();
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1, parked: false }]);
    await service.inTenant(tenant, 'update outbox set claimed_until = null, attempts = $1', [MAX_CLAIMS - 1]);
    await drain();
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: MAX_CLAIMS, parked: true }]);
    const asked = service.chat.asked.length;
    await drain();
    expect(service.chat.asked).toHaveLength(asked);
  });

  it('does not keep the relay waiting while chat hangs', async () => {
    const tenant = await service.createTenant();
    await register(tenant, 'task.created');
    const hang = Promise.withResolvers<never>();
    const settle = jest.spyOn(service.chat, 'settle').mockReturnValue(hang.promise);
    for (let n = 0; n < 70; n += 1) {
      await service.emit(tenant, 'agent.run.completed', { run_id: v7(), conversation_id: v7() });
    }
    await service.emit(tenant, 'task.created');
    await relay.drain();
    expect(await service.deliveries(tenant)).toHaveLength(1);
    expect(settle).toHaveBeenCalledTimes(64);
    hang.reject(new ProblemError('deadline_exceeded'));
    settle.mockRestore();
    await events.settled();
    expect(await service.outbox(tenant)).toHaveLength(70);
  });
});

it('an event that the database refuses is left for later, by itself', async () => {
  const tenant = await service.createTenant();
  await register(tenant, 'task.created', 'task.deleted');
  const owner = new Client({ connectionString: service.migratorUrl });
  await owner.connect();
  await owner.query(
    `alter table webhook_deliveries add constraint poison check (event_type <> 'task.deleted') not valid`,
  );
  try {
    await service.emit(tenant, 'task.created');
    await service.emit(tenant, 'task.deleted');
    await service.emit(tenant, 'task.created');
    await drain();
    expect(await service.deliveries(tenant)).toHaveLength(2);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1 }]);
  } finally {
    await owner.query('alter table webhook_deliveries drop constraint poison');
    await owner.end();
  }
});
