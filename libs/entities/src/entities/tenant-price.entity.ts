import { Column, Entity, ForeignKey, Unique } from 'typeorm';
import { BigIntColumn, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/** What a tenant pays for a model instead of the list price, from `effective_from`: micro-USD per million tokens of each bucket. */
@Entity('tenant_prices')
@Unique('tenant_prices_model_key', ['tenant_id', 'provider_kind', 'model', 'effective_from'])
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class TenantPriceEntity extends TenantRow {
  @Column('text')
  provider_kind: string;

  /** The kind of provider, as in `prices`. */
  @Column('text')
  model: string;

  /** Null, as is `output_price`: from then on the list price holds again. */
  @BigIntColumn({ nullable: true })
  input_price: number | null;

  /** Null means the price of input. */
  @BigIntColumn({ nullable: true })
  cache_read_price: number | null;

  /** Null means the price of input. */
  @BigIntColumn({ nullable: true })
  cache_write_price: number | null;

  @BigIntColumn({ nullable: true })
  output_price: number | null;

  /** Null means the price of output. */
  @BigIntColumn({ nullable: true })
  reasoning_price: number | null;

  @TimestamptzNow()
  effective_from: Date;
}
