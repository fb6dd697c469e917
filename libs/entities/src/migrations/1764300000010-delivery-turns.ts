import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What waits has an index of its own in outbox and deliveries, by tenant and endpoint, so that those can take turns. */
const SQL = `
  create index idx_outbox_waiting on outbox (tenant_id, created_at, id) where claimed_until is null;
  create index idx_outbox_claimed on outbox (claimed_until) where claimed_until is not null;
  drop index idx_outbox_order;

  drop index idx_webhook_deliveries_open;
  drop index idx_webhook_deliveries_due;
  create index idx_webhook_deliveries_in_line on webhook_deliveries (tenant_id, webhook_id, created_at)
    where status = 'pending' and next_attempt_at is null;
  create index idx_webhook_deliveries_delivering on webhook_deliveries (tenant_id, webhook_id)
    where status = 'delivering';
  create index idx_webhook_deliveries_due on webhook_deliveries (next_attempt_at) where next_attempt_at is not null;
`;

export class DeliveryTurns1764300000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('The turns of deliveries are not undone: restore a backup instead.');
  }
}
