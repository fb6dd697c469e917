import type { TenantLimits } from '@taai/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BigIntColumn } from './columns';

@Entity('plans')
export class PlanEntity {
  /** `free`, `pro`, `enterprise`, `unlimited`. */
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  name: string;

  @Column('jsonb')
  limits: TenantLimits;

  /** The price per month; null means by agreement. */
  @BigIntColumn({ nullable: true })
  price_micro_usd: number | null;
}
