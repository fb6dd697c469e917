import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  eventAccess,
  eventTypes,
  found,
  limits,
  ProblemError,
  type CreatedWebhook,
  type CreateWebhook,
  type EventTypes,
  type PageById,
  type PageOf,
  type PageQuery,
  type UpdateWebhook,
  type Webhook,
  type WebhookDelivery,
} from '@taai/contracts';
import { audit, idAfter, toPage, withTenant, type Tx } from '@taai/entities';
import { SecretBox } from '@taai/platform';
import { assertPermitted } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { DeliveryRepository } from '../delivery/delivery.repository';
import { EndpointConnector } from './endpoint-connector';
import { WebhookRepository } from './webhook.repository';

@Injectable()
export class WebhookService {
  constructor(
    private readonly db: DataSource,
    private readonly webhooks: WebhookRepository,
    private readonly history: DeliveryRepository,
    private readonly connector: EndpointConnector,
    private readonly secrets: SecretBox,
  ) {}

  /** For a repetition of the request the secret is read again: it must not be among the stored answers. */
  async create(input: CreateWebhook): Promise<CreatedWebhook> {
    this.connector.vet(input.url);
    assertMaySubscribe(input.events);
    const { tenant_id } = currentCaller();
    const { id } = await withTenant(this.db, async (tx) => {
      await this.assertRoom(tx);
      const id = v7();
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      const { ciphertext, key_id } = this.secrets.seal({ tenant_id, owner_id: id }, secret);
      const sealed = { secret_ciphertext: ciphertext, secret_key_id: key_id };
      await this.webhooks.insert(tx, { ...distinctEvents(input), id, ...sealed });
      await audit(tx, { action: 'webhook.created', target: targetOf(id), after: distinctEvents(input) });
      return { id };
    });
    const { secret_ciphertext, ...webhook } = found('webhook', await this.webhooks.findWithSecret(id));
    return { ...webhook, secret: this.secrets.open({ tenant_id, owner_id: id }, secret_ciphertext) };
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Webhook>> {
    const rows = await this.webhooks.page(idAfter(cursor), limit + 1);
    return toPage(rows, limit, ({ id }) => [id]);
  }

  async get(id: string): Promise<Webhook> {
    return found('webhook', await this.webhooks.find(id));
  }

  async update({ id, ...fields }: UpdateWebhook): Promise<Webhook> {
    if (fields.url !== undefined) this.connector.vet(fields.url);
    return withTenant(this.db, async (tx) => {
      const before = found('webhook', await this.webhooks.lock(tx, id));
      const after = found('webhook', await this.webhooks.update(tx, id, distinctEvents(fields)));
      if (fields.url !== undefined || fields.events || fields.is_active) assertMaySubscribe(after.events);
      await audit(tx, { action: 'webhook.updated', target: targetOf(id), before, after });
      return after;
    });
  }

  /** Stops the deliveries to an endpoint that has answered that it wants no more. */
  async deactivate(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      if (!(await this.webhooks.deactivate(tx, id))) return;
      const changed = { before: { is_active: true }, after: { is_active: false } };
      await audit(tx, { action: 'webhook.deactivated', target: targetOf(id), ...changed });
    });
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const before = found('webhook', await this.webhooks.lock(tx, id));
      await this.webhooks.remove(tx, id);
      await audit(tx, { action: 'webhook.deleted', target: targetOf(id), before });
    });
  }

  async deliveries({ id, limit, cursor }: PageById): Promise<PageOf<WebhookDelivery>> {
    const after = idAfter(cursor);
    found('webhook', await this.webhooks.find(id));
    const rows = await this.history.page(id, after, limit + 1);
    return toPage(rows, limit, (delivery) => [delivery.id]);
  }

  async eventTypes(): Promise<EventTypes> {
    return { data: [...eventTypes] };
  }

  /** Of endpoints that are made at once a few may be too many: that costs less than a lock. */
  private async assertRoom(tx: Tx): Promise<void> {
    if ((await this.webhooks.count(tx)) >= limits.webhooksOfTenant)
      throw new ProblemError('conflict', `A tenant has at most ${limits.webhooksOfTenant} webhooks: remove one first.`);
  }
}

const targetOf = (id: string) => ({ type: 'webhook', id });

/** Who receives events of everybody's conversations must be allowed to read those. */
function assertMaySubscribe(events: readonly string[]): void {
  for (const event of eventTypes.filter((type) => events.includes(type))) {
    const access = eventAccess(event);
    if (access) assertPermitted(currentCaller(), access);
  }
}

const distinctEvents = <T extends Partial<Pick<CreateWebhook, 'events'>>>(fields: T): T =>
  fields.events ? { ...fields, events: [...new Set(fields.events)] } : fields;
