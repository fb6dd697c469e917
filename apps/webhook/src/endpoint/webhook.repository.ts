import { Injectable } from '@nestjs/common';
import type { Webhook } from '@taai/contracts';
import { Rows, RlsPool, sql, WebhookEntity, type Tx } from '@taai/entities';

const columns = ['id', 'url', 'events', 'description', 'is_active', 'created_at', 'updated_at'] as const;
const webhooks = new Rows(WebhookEntity, columns);

const FIND_WITH_SECRET = sql(`select ${columns.join(', ')}, secret_ciphertext from webhooks where id = $1`);

const COUNT = sql('select count(*)::integer as count from webhooks');

const REMOVE = sql('delete from webhooks where id = $1');

type Fields = Partial<Pick<WebhookEntity, 'url' | 'events' | 'description' | 'is_active'>>;
type SealedSecret = Pick<WebhookEntity, 'secret_ciphertext' | 'secret_key_id'>;

@Injectable()
export class WebhookRepository {
  constructor(private readonly rls: RlsPool) {}

  insert(tx: Tx, webhook: Fields & SealedSecret & Pick<WebhookEntity, 'id'>): Promise<Webhook> {
    return webhooks.insert(tx, webhook);
  }

  async count(tx: Tx): Promise<number> {
    const [row] = await tx.read<{ count: number }>(COUNT);
    return row?.count ?? 0;
  }

  /** Newest first. */
  page(after: string | undefined, limit: number): Promise<Webhook[]> {
    return webhooks.page(this.rls, after, limit);
  }

  find(id: string): Promise<Webhook | undefined> {
    return webhooks.find(this.rls, { id });
  }

  /** The endpoint, which nobody else changes until the transaction ends. */
  lock(tx: Tx, id: string): Promise<Webhook | undefined> {
    return webhooks.lock(tx, { id });
  }

  async findWithSecret(id: string): Promise<(Webhook & Pick<SealedSecret, 'secret_ciphertext'>) | undefined> {
    const [webhook] = await this.rls.read<Webhook & Pick<SealedSecret, 'secret_ciphertext'>>(FIND_WITH_SECRET, [id]);
    return webhook;
  }

  update(tx: Tx, id: string, fields: Fields): Promise<Webhook | undefined> {
    return webhooks.update(tx, { id }, fields);
  }

  /** Resolves to the endpoint if it was active. */
  deactivate(tx: Tx, id: string): Promise<Webhook | undefined> {
    return webhooks.update(tx, { id, is_active: true }, { is_active: false });
  }

  /** Removes the endpoint with its deliveries. */
  async remove(tx: Tx, id: string): Promise<void> {
    await tx.write(REMOVE, [id]);
  }
}
