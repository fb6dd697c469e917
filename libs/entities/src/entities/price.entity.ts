import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';
import { BigIntColumn, Timestamptz } from './columns';

/** What a model costs from `effective_from` until a newer row of it: micro-USD per million tokens of each bucket. */
@Entity('prices')
@Unique('prices_model_key', ['provider_kind', 'model', 'effective_from'])
export class PriceEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  provider_kind: string;

  /** The vendor's name; it stands for its dated snapshots (`name-2024-08-06`, `name@001`, `name-latest`) too. `*`: any other model. */
  @Column('text')
  model: string;

  @BigIntColumn()
  input_price: number;

  /** Null means the price of input. */
  @BigIntColumn({ nullable: true })
  cache_read_price: number | null;

  /** Null means the price of input. */
  @BigIntColumn({ nullable: true })
  cache_write_price: number | null;

  @BigIntColumn()
  output_price: number;

  /** Null means the price of output. */
  @BigIntColumn({ nullable: true })
  reasoning_price: number | null;

  /** A call whose prompt has more tokens than this, caches included, costs more; null means the same price at any length. */
  @BigIntColumn({ nullable: true })
  long_above_tokens: number | null;

  /** The price of such a call's prompt, in percent of the prices above. */
  @Column('integer', { nullable: true })
  long_input_percent: number | null;

  /** The price of such a call's answer, in percent of the prices above. */
  @Column('integer', { nullable: true })
  long_output_percent: number | null;

  /** Where the price was read, and when. */
  @Column('text')
  source: string;

  @Timestamptz()
  effective_from: Date;
}
