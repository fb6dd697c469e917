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

  /** Null: as input. */
  @BigIntColumn({ nullable: true })
  cache_read_price: number | null;

  /** Null: as input. */
  @BigIntColumn({ nullable: true })
  cache_write_price: number | null;

  @BigIntColumn()
  output_price: number;

  /** Null: as output. */
  @BigIntColumn({ nullable: true })
  reasoning_price: number | null;

  /** Of a prompt: with more tokens than this, caches included, the whole call costs more. Null: the same at any length. */
  @BigIntColumn({ nullable: true })
  long_above_tokens: number | null;

  /** What such a call costs, in percent of the prices above: its prompt. */
  @Column('integer', { nullable: true })
  long_input_percent: number | null;

  /** Its answer. */
  @Column('integer', { nullable: true })
  long_output_percent: number | null;

  /** Where the price was read, and when. */
  @Column('text')
  source: string;

  @Timestamptz()
  effective_from: Date;
}
