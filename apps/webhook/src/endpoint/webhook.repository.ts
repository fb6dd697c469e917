import { Injectable } from '@nestjs/common';
import type { Webhook } from '@taai/contracts';
import { RlsPool, WebhookEntity, type Tx } from '@taai/entities';

const columns = 'id, url, events, description, is_active, created_at, updated_at';

type Fields = Pick<WebhookEntity, 'url' | 'events' | 'description' | 'is_active'>;

@Injectable()
export class WebhookRepository {
  constructor(private readonly rls: RlsPool) {}

  async insert(
    tx: Tx,
    webhook: Partial<Fields> & Pick<WebhookEntity, 'id' | 'secret_ciphertext' | 'secret_key_id'>,
  ): Promise<void> {
    await tx.insert(WebhookEntity, { ...webhook, tenant_id: tx.tenant_id });
  }

  /** Newest first. */
  page(after: string | undefined, limit: number): Promise<Webhook[]> {
    return this.rls.read<Webhook>(
      `select ${columns} from webhooks where $1::uuid is null or id < $1 order by id desc limit $2`,
      [after ?? null, limit],
    );
  }

  async find(id: string): Promise<Webhook | undefined> {
    const [webhook] = await this.rls.read<Webhook>(`select ${columns} from webhooks where id = $1`, [id]);
    return webhook;
  }

  /** The endpoint, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Webhook | undefined> {
    const [webhook] = await tx.query<Webhook[]>(`select ${columns} from webhooks where id = $1 for update`, [id]);
    return webhook;
  }

  async findWithSecret(id: string): Promise<(Webhook & Pick<WebhookEntity, 'secret_ciphertext'>) | undefined> {
    const sql = `select ${columns}, secret_ciphertext from webhooks where id = $1`;
    const [webhook] = await this.rls.read<Webhook & Pick<WebhookEntity, 'secret_ciphertext'>>(sql, [id]);
    return webhook;
  }

  async update(tx: Tx, id: string, fields: Partial<Fields>): Promise<void> {
    await tx.update(WebhookEntity, { id }, { ...fields, updated_at: () => 'now()' });
  }

  /** Resolves to whether it was active. */
  async deactivate(tx: Tx, id: string): Promise<boolean> {
    const active = { id, is_active: true };
    const { affected } = await tx.update(WebhookEntity, active, { is_active: false, updated_at: () => 'now()' });
    return affected === 1;
  }

  /** With its deliveries. */
  async remove(tx: Tx, id: string): Promise<void> {
    await tx.delete(WebhookEntity, { id });
  }
}
