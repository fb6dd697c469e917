import { until } from '@taai/platform-testing';
import { getQueueToken } from '@nestjs/bull';
import type { Queue } from 'bull';
import { Webhook as Verifier } from 'standardwebhooks';
import { DELIVERIES } from '../bull-redis';
import { DeliveryRepository, type Attempt } from './delivery.repository';
import { DeliveryService } from './delivery.service';
import { DeliverySweep } from './delivery.sweep';
import { OutboxRelay } from '../outbox/outbox.relay';
import { startReceiver } from './receiver.testing';
import { MAX_ATTEMPTS } from './retry-schedule';
import { createService, type Service } from '../webhook.testing';
import { WebhookService } from '../endpoint/webhook.service';

let service: Service;
let repository: DeliveryRepository;
const receivers: Awaited<ReturnType<typeof startReceiver>>[] = [];

beforeAll(async () => {
  service = await createService();
  repository = service.module.get(DeliveryRepository);
});
afterAll(async () => {
  await service.close();
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

/** An endpoint of a new tenant, at a receiver that answers as it is told. */
async function endpoint(...args: Parameters<typeof startReceiver>) {
  const receiver = await startReceiver(...args);
  receivers.push(receiver);
  const tenant = await service.createTenant();
  const webhook = await service.as(tenant, () =>
    service.module.get(WebhookService).create({ url: receiver.url, events: ['task.created'] }),
  );
  return { tenant, webhook, receiver };
}

/** One delivery to the endpoint, ready for its first attempt; resolves to its id. */
async function deliver(tenant: string): Promise<string> {
  await service.emit(tenant, 'task.created', { title: 'Write' });
  await service.module.get(OutboxRelay).drain();
  const { id } = (await service.deliveries(tenant)).at(-1) ?? {};
  if (!id) throw new Error('There is no delivery.');
  return id;
}

const attempt = (tenant_id: string, id: string) => service.module.get(DeliveryService).attempt({ tenant_id, id });
const claim = (tenant: string, id: string) => service.as(tenant, () => service.module.get(DeliveryService).claim(id));

/** Lets a tenant's deliveries become due, or their leases end, as time would. */
const pass = (tenant: string) =>
  service.inTenant(
    tenant,
    `update webhook_deliveries set next_attempt_at = now() - interval '1 s' where next_attempt_at is not null`,
  );

describe('an attempt', () => {
  it('delivers the event, and no more', async () => {
    const { tenant, webhook, receiver } = await endpoint();
    const id = await deliver(tenant);
    await attempt(tenant, id);
    await attempt(tenant, id);
    expect(receiver.received).toHaveLength(1);
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
    const event = new Verifier(webhook.secret).verify(body, headers);
    expect(event).toEqual({
      id: headers['webhook-id'],
      type: 'task.created',
      created_at: expect.any(String),
      tenant_id: tenant,
      data: { title: 'Write' },
    });
    expect(Object.keys(event as object)).toEqual(['id', 'type', 'created_at', 'tenant_id', 'data']);
    const { data } = await service.as(tenant, () =>
      service.module.get(WebhookService).deliveries({ id: webhook.id, limit: 20 }),
    );
    expect(data).toMatchObject([
      { id, status: 'delivered', attempts: 1, last_status_code: 204, last_error: null, next_attempt_at: null },
    ]);
    expect(data[0]).not.toHaveProperty('payload');
  });

  it('that fails is repeated when its time has come, with the same id and a signature of its own', async () => {
    let status = 500;
    const { tenant, webhook, receiver } = await endpoint((response) => response.writeHead(status).end());
    const id = await deliver(tenant);
    await attempt(tenant, id);
    const [failed] = await service.deliveries(tenant);
    expect(failed).toMatchObject({ status: 'pending', attempts: 1, last_status_code: 500, delivered_at: null });
    expect(failed?.next_attempt_at?.getTime()).toBeGreaterThan(Date.now() + 3000);
    await attempt(tenant, id);
    expect(receiver.received).toHaveLength(1);
    status = 200;
    await pass(tenant);
    await attempt(tenant, id);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'delivered', attempts: 2, last_status_code: 200 },
    ]);
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    new Verifier(webhook.secret).verify(second?.body ?? '', second?.headers ?? {});
  });

  it('is the last after nine', async () => {
    const { tenant, receiver } = await endpoint((response) => response.writeHead(503).end());
    const id = await deliver(tenant);
    for (let n = 0; n < MAX_ATTEMPTS + 1; n += 1) {
      await attempt(tenant, id);
      await pass(tenant);
    }
    expect(receiver.received).toHaveLength(MAX_ATTEMPTS);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'failed', attempts: MAX_ATTEMPTS, next_attempt_at: null },
    ]);
  });

  it('says why there was no answer', async () => {
    const { tenant, receiver } = await endpoint();
    await receiver.close();
    await attempt(tenant, await deliver(tenant));
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'pending', last_status_code: null, last_error: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  it('refuses an address that has become private since it was registered', async () => {
    const { tenant, receiver } = await endpoint();
    const id = await deliver(tenant);
    await service.inTenant(tenant, `update webhooks set url = replace(url, '127.0.0.1', '[::1]')`);
    await attempt(tenant, id);
    expect(receiver.received).toEqual([]);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'pending', last_error: expect.stringContaining('private') },
    ]);
  });

  it('that is answered by 410 deactivates the endpoint, and what waits for it is given up', async () => {
    const { tenant, webhook } = await endpoint((response) => response.writeHead(410).end());
    const [first, second] = [await deliver(tenant), await deliver(tenant)];
    await attempt(tenant, first);
    await attempt(tenant, second);
    const { is_active } = await service.as(tenant, () => service.module.get(WebhookService).get(webhook.id));
    expect(is_active).toBe(false);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'failed', attempts: 1, last_status_code: 410 },
      { status: 'failed', attempts: 0, last_error: 'The endpoint is not active.' },
    ]);
  });
});

describe('claims', () => {
  it('give a delivery to one of many', async () => {
    const { tenant } = await endpoint();
    const id = await deliver(tenant);
    const claims = await Promise.all(Array.from({ length: 6 }, () => claim(tenant, id)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  it('leave at most four open per endpoint; one that ends makes room', async () => {
    const { tenant } = await endpoint();
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push(await deliver(tenant));
    const claims = await Promise.all(ids.map((id) => claim(tenant, id)));
    const open = claims.filter((one): one is Attempt => one !== undefined);
    expect(open).toHaveLength(4);
    const [first] = open;
    if (!first) throw new Error('Nothing was claimed.');
    const done = { status: 'delivered', status_code: 200, error: null } as const;
    const waiting = await service.as(tenant, () => repository.finish(first, done));
    expect(waiting?.sort()).toEqual(ids.filter((id) => !open.some((one) => one.id === id)));
    expect(await claim(tenant, waiting?.[0] ?? '')).toMatchObject({ attempts: 1 });
    expect(await claim(tenant, waiting?.[1] ?? '')).toBeUndefined();
  });

  it('of a process that died are taken over when their lease ends, and the dead one can change nothing any more', async () => {
    const { tenant, receiver } = await endpoint();
    const id = await deliver(tenant);
    const dead = await claim(tenant, id);
    await attempt(tenant, id);
    expect(receiver.received).toEqual([]);
    await pass(tenant);
    const due = await repository.due(1000);
    expect(due).toContainEqual({ tenant_id: tenant, id });
    await attempt(tenant, id);
    expect(receiver.received).toHaveLength(1);
    if (!dead) throw new Error('Nothing was claimed.');
    const late = { status: 'failed', status_code: 500, error: null } as const;
    expect(await service.as(tenant, () => repository.finish(dead, late))).toBeUndefined();
    expect(await service.deliveries(tenant)).toMatchObject([{ status: 'delivered', attempts: 2 }]);
  });

  it('of processes that die every time come to an end', async () => {
    const { tenant } = await endpoint();
    const id = await deliver(tenant);
    for (let n = 0; n <= MAX_ATTEMPTS; n += 1) {
      await claim(tenant, id);
      await pass(tenant);
    }
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'failed', attempts: MAX_ATTEMPTS, last_error: 'The last attempt did not end.' },
    ]);
  });
});

describe('the running service', () => {
  beforeAll(() => service.module.init());

  it('delivers what is committed', async () => {
    const { tenant, webhook, receiver } = await endpoint();
    const event = await service.emit(tenant, 'task.created', { title: 'Write' });
    await until(() => receiver.received.length === 1);
    const [received] = receiver.received;
    expect(new Verifier(webhook.secret).verify(received?.body ?? '', received?.headers ?? {})).toEqual(event);
    await until(async () => (await service.deliveries(tenant))[0]?.status === 'delivered');
  });

  it('drains a burst to an endpoint four at a time', async () => {
    let open = 0;
    let most = 0;
    const { tenant, receiver } = await endpoint((response) => {
      most = Math.max(most, (open += 1));
      setTimeout(() => {
        open -= 1;
        response.writeHead(200).end();
      }, 20);
    });
    for (let n = 0; n < 40; n += 1) await service.emit(tenant, 'task.created', { n });
    await until(
      async () => (await service.deliveries(tenant)).filter(({ status }) => status === 'delivered').length === 40,
    );
    expect(receiver.received).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('repeats a failed attempt by itself', async () => {
    const answers = [500, 200];
    const { tenant, receiver } = await endpoint((response) => response.writeHead(answers.shift() ?? 200).end());
    await service.emit(tenant, 'task.created');
    const queue = service.module.get<Queue>(getQueueToken(DELIVERIES));
    const retry = async () => queue.getJob(`${(await service.deliveries(tenant))[0]?.id}.1`);
    await until(async () => (await retry()) !== null);
    const job = await retry();
    expect(job?.opts.delay).toBeGreaterThanOrEqual(5000);
    await pass(tenant);
    await job?.promote();
    await until(async () => (await service.deliveries(tenant))[0]?.status === 'delivered');
    expect(receiver.received).toHaveLength(2);
  });

  it('delivers what a dead process left, and what lost its job, by the sweep', async () => {
    const { tenant, receiver } = await endpoint();
    await service.inTenant(
      tenant,
      `insert into webhook_deliveries (tenant_id, id, webhook_id, event_id, event_type, payload, status, attempts, next_attempt_at)
       select tenant_id, gen_random_uuid(), id, gen_random_uuid(), 'task.created',
         jsonb_build_object('id', gen_random_uuid(), 'type', 'task.created', 'data', '{}'::jsonb), state, n, now() - interval '1 s'
       from webhooks, (values ('pending', 0), ('delivering', 1)) as left_behind (state, n)`,
    );
    await service.module.get(DeliverySweep).sweep();
    await until(async () => (await service.deliveries(tenant)).every(({ status }) => status === 'delivered'));
    expect(receiver.received).toHaveLength(2);
  });
});
