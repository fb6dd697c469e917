import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BigIntColumn } from './columns';

/** What a tenant may use. `null` anywhere: without limit. */
interface PlanLimits {
  requests_per_minute: { tenant: number | null; user: number | null };
  active_runs: number | null;
}

@Entity('plans')
export class PlanEntity {
  /** `free`, `pro`, `enterprise`, `unlimited`. */
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  name: string;

  @Column('jsonb')
  limits: PlanLimits;

  /** The price per month; null means by agreement. */
  @BigIntColumn({ nullable: true })
  price_micro_usd: number | null;
}
