import { until } from '@taai/platform-testing';
import { withTenantId } from '@taai/entities';
import type { ServerResponse } from 'node:http';
import { Webhook as Verifier } from 'standardwebhooks';
import { DeliveryRepository, MAX_OPEN, type Attempt } from './delivery.repository';
import { DeliveryService } from './delivery.service';
import { PLACES } from './delivery.worker';
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

const waiting = () => repository.waitingTenants('00000000-0000-0000-0000-000000000000', 1000);

/** Claims what is due. */
async function claim(tenant: string, limit = 1): Promise<Attempt[]> {
  await waiting();
  return service.module.get(DeliveryService).claim(tenant, limit);
}

/** Attempts the oldest delivery that is due, if there is one. */
async function attempt(tenant: string): Promise<void> {
  for (const claimed of await claim(tenant)) await service.module.get(DeliveryService).attempt(tenant, claimed);
}

const finish = (tenant: string, attempts: readonly Attempt[]) =>
  service.as(tenant, () =>
    Promise.all(attempts.map((one) => repository.finish(one, { status: 'delivered', status_code: 200, error: null }))),
  );

const statuses = async (tenant: string) => (await service.deliveries(tenant)).map(({ status }) => status);

/** A receiver's answer that waits until it is released; `most`: the requests that were open at once. */
function holding() {
  const open = new Set<ServerResponse>();
  let isOver = false;
  const held = {
    open,
    most: 0,
    answer: (response: ServerResponse) => {
      open.add(response);
      held.most = Math.max(held.most, open.size);
      if (isOver) held.release();
    },
    release: () => {
      for (const response of open) response.writeHead(200).end();
      open.clear();
    },
    /** Releases what is open, and what comes at once. */
    end: () => {
      isOver = true;
      held.release();
    },
  };
  return held;
}

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
    await attempt(tenant);
    await attempt(tenant);
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
    await deliver(tenant);
    await attempt(tenant);
    const [failed] = await service.deliveries(tenant);
    expect(failed).toMatchObject({ status: 'pending', attempts: 1, last_status_code: 500, delivered_at: null });
    expect(failed?.next_attempt_at?.getTime()).toBeGreaterThan(Date.now() + 3000);
    await attempt(tenant);
    expect(receiver.received).toHaveLength(1);
    status = 200;
    await pass(tenant);
    await attempt(tenant);
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
    await deliver(tenant);
    for (let n = 0; n < MAX_ATTEMPTS + 1; n += 1) {
      await attempt(tenant);
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
    await deliver(tenant);
    await attempt(tenant);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'pending', last_status_code: null, last_error: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  it('refuses an address that has become private since it was registered', async () => {
    const { tenant, receiver } = await endpoint();
    await deliver(tenant);
    await service.inTenant(tenant, `update webhooks set url = replace(url, '127.0.0.1', '[::1]')`);
    await attempt(tenant);
    expect(receiver.received).toEqual([]);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'pending', last_error: expect.stringContaining('private') },
    ]);
  });

  it('that is answered by 410 deactivates the endpoint, and what waits for it is given up', async () => {
    const { tenant, webhook } = await endpoint((response) => response.writeHead(410).end());
    await deliver(tenant);
    await deliver(tenant);
    await attempt(tenant);
    await attempt(tenant);
    const { is_active } = await service.as(tenant, () => service.module.get(WebhookService).get(webhook.id));
    expect(is_active).toBe(false);
    expect(await service.deliveries(tenant)).toMatchObject([
      { status: 'failed', attempts: 1, last_status_code: 410 },
      { status: 'failed', attempts: 0, last_error: 'The endpoint is not active.' },
    ]);
  });
});

describe('claims', () => {
  /** So many deliveries to the endpoint, ready for their first attempt. */
  async function deliverMany(tenant: string, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await service.emit(tenant, 'task.created', { n });
    await service.module.get(OutboxRelay).drain();
  }

  it('give a delivery to one of many', async () => {
    const { tenant } = await endpoint();
    await deliver(tenant);
    const claims = await Promise.all(Array.from({ length: 6 }, () => claim(tenant)));
    expect(claims.flat()).toHaveLength(1);
  });

  it('leave at most four open per endpoint, however many claim at once; those that end make room', async () => {
    const { tenant } = await endpoint();
    await deliverMany(tenant, 30);
    const claimed = new Map<string, number>();
    for (let round = 0; round < 30 && claimed.size < 30; round += 1) {
      const claims = (await Promise.all(Array.from({ length: 5 }, () => claim(tenant, 3)))).flat();
      claims.push(...(await claim(tenant, 30)));
      for (const { id } of claims) claimed.set(id, (claimed.get(id) ?? 0) + 1);
      expect((await statuses(tenant)).filter((status) => status === 'delivering').length).toBe(claims.length);
      expect(claims.length).toBeLessThanOrEqual(MAX_OPEN);
      await finish(tenant, claims);
    }
    expect([...claimed.values()]).toEqual(Array.from({ length: 30 }, () => 1));
  });

  it('count behind the lock what was committed before it', async () => {
    const { tenant } = await endpoint();
    await deliverMany(tenant, 3);
    const isWaiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    let counting: Promise<unknown> | undefined;
    await withTenantId(service.db, tenant, async (tx) => {
      await tx.query('select from webhooks for update');
      counting = service.inTenant(
        tenant,
        `with locked as materialized (select * from webhooks for no key update)
         select open_deliveries(tenant_id, id)::integer as open from locked`,
      );
      await until(async () => (await service.admin(isWaiting)).length === 1);
      await tx.query(`update webhook_deliveries set status = 'delivering'`);
    });
    expect(await counting).toEqual([{ open: 3 }]);
  });

  it('wait for no row that another holds: they take the next', async () => {
    const { tenant, webhook } = await endpoint();
    const other = await service.as(tenant, () =>
      service.module.get(WebhookService).create({ url: 'http://127.0.0.1:9/', events: ['task.created'] }),
    );
    await deliverMany(tenant, 2);
    const [first] = (await service.deliveries(tenant)).filter(({ webhook_id }) => webhook_id === other.id);
    await withTenantId(service.db, tenant, async (tx) => {
      await tx.query('select 1 from webhooks where id = $1 for update', [webhook.id]);
      await tx.query('select 1 from webhook_deliveries where id = $1 for update', [first?.id]);
      const claims = await claim(tenant, 100);
      expect(claims).toMatchObject([{ webhook_id: other.id }]);
      expect(claims[0]?.id).not.toBe(first?.id);
    });
    expect(await claim(tenant, 100)).toHaveLength(3);
  });

  it('are for tenants that have something due and a place for it, in turn', async () => {
    const [one, two, full] = [await endpoint(), await endpoint(), await endpoint()];
    for (const { tenant } of [one, two]) await deliverMany(tenant, 1);
    await deliverMany(full.tenant, MAX_OPEN + 1);
    await claim(full.tenant, MAX_OPEN);
    const after = (tenant: string, limit: number) => repository.waitingTenants(tenant, limit);
    expect(await waiting()).toEqual(expect.arrayContaining([one.tenant, two.tenant]));
    expect(await waiting()).not.toContain(full.tenant);
    const inOrder = [one.tenant, two.tenant].sort();
    expect(await after(inOrder[0] ?? '', 1)).toEqual([inOrder[1]]);
    expect((await after(inOrder[1] ?? '', 1000)).slice(-2)).toEqual(inOrder);
  });

  it('are not for tenants that are suspended', async () => {
    const { tenant } = await endpoint();
    await deliver(tenant);
    await service.admin(`update tenants set status = 'suspended' where id = $1`, [tenant]);
    expect(await waiting()).not.toContain(tenant);
  });

  it('of a process that died are taken over when their lease ends, and the dead one can change nothing any more', async () => {
    const { tenant, receiver } = await endpoint();
    await deliver(tenant);
    const dead = await claim(tenant);
    await attempt(tenant);
    expect(receiver.received).toEqual([]);
    await pass(tenant);
    await attempt(tenant);
    expect(receiver.received).toHaveLength(1);
    const late = { status: 'failed', status_code: 500, error: null } as const;
    await service.as(tenant, () => Promise.all(dead.map((one) => repository.finish(one, late))));
    expect(await service.deliveries(tenant)).toMatchObject([{ status: 'delivered', attempts: 2 }]);
  });

  it('of processes that die every time come to an end', async () => {
    const { tenant } = await endpoint();
    await deliver(tenant);
    for (let n = 0; n <= MAX_ATTEMPTS; n += 1) {
      await claim(tenant);
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
    const held = holding();
    const { tenant, receiver } = await endpoint(held.answer);
    for (let n = 0; n < 40; n += 1) await service.emit(tenant, 'task.created', { n });
    while (receiver.received.length < 40) {
      const before = receiver.received.length;
      await until(() => held.open.size === MAX_OPEN);
      held.release();
      await until(() => receiver.received.length > before);
    }
    held.release();
    await until(async () => (await statuses(tenant)).every((status) => status === 'delivered'));
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(40);
    expect(receiver.received).toHaveLength(40);
    expect(held.most).toBe(MAX_OPEN);
  });

  it('lets nobody wait behind a tenant whose endpoints hang', async () => {
    const held = holding();
    const { tenant, receiver } = await endpoint(held.answer);
    const webhook = { url: receiver.url, events: ['task.created' as const] };
    for (let n = 0; n < 30; n += 1) {
      await service.as(tenant, () => service.module.get(WebhookService).create(webhook));
    }
    for (let n = 0; n < 10; n += 1) await service.emit(tenant, 'task.created', { n });
    await until(() => held.open.size === PLACES / 2);
    const neighbour = await endpoint();
    await service.emit(neighbour.tenant, 'task.created', { title: 'Write' });
    await until(() => neighbour.receiver.received.length === 1);
    expect(held.most).toBe(PLACES / 2);
    held.end();
  });

  it('repeats a failed attempt by itself', async () => {
    const answers = [500, 200];
    const { tenant, receiver } = await endpoint((response) => response.writeHead(answers.shift() ?? 200).end());
    await service.emit(tenant, 'task.created');
    await until(async () => (await service.deliveries(tenant))[0]?.last_status_code === 500);
    expect(receiver.received).toHaveLength(1);
    await pass(tenant);
    await until(async () => (await service.deliveries(tenant))[0]?.status === 'delivered');
    expect(receiver.received).toHaveLength(2);
  });

  it('delivers what a dead process left, and what lost its signal', async () => {
    const { tenant, receiver } = await endpoint();
    await service.inTenant(
      tenant,
      `insert into webhook_deliveries (tenant_id, id, webhook_id, event_id, event_type, payload, status, attempts, next_attempt_at)
       select tenant_id, gen_random_uuid(), id, gen_random_uuid(), 'task.created',
         jsonb_build_object('id', gen_random_uuid(), 'type', 'task.created', 'data', '{}'::jsonb), state, n, at
       from webhooks, (values ('pending', 0, null), ('delivering', 1, now() - interval '1 s')) as left_behind (state, n, at)`,
    );
    await until(async () => (await statuses(tenant)).every((status) => status === 'delivered'));
    expect(receiver.received).toHaveLength(2);
  });
});
