import { providerKinds, type ProviderKind, type CallSettings } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { oneOf, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

@Entity('providers')
@Unique('providers_name_key', ['tenant_id', 'name'])
@Check('providers_kind_check', oneOf('kind', providerKinds))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class ProviderEntity extends TenantRow {
  @Column('text')
  name: string;

  @Column('text')
  kind: ProviderKind;

  /** The address; null means the vendor's own. */
  @Column('text', { nullable: true })
  base_url: string | null;

  /** Lower is tried first. */
  @Column('integer', { default: 100 })
  priority: number;

  @Column('boolean', { default: true })
  is_active: boolean;

  @Column('jsonb', { default: {} })
  settings: CallSettings;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
