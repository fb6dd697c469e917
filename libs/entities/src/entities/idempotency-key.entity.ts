import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Timestamptz, TimestamptzNow } from './columns';

/** The answer to a request that carried an Idempotency-Key; it commits with the request's effect. */
@Entity('idempotency_keys')
export class IdempotencyKeyEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  user_id: string;

  /** The RPC name, like `task.create`. */
  @PrimaryColumn('text')
  method: string;

  @PrimaryColumn('text')
  key: string;

  @Column('text')
  request_hash: string;

  @Column('json')
  response: unknown;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz()
  expires_at: Date;
}
