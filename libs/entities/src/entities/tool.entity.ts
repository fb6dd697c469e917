import { toolKinds, type ToolKind } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { type JsonObject, oneOf, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

@Entity('tools')
@Index('idx_tools_key', ['secret_key_id'])
@Unique('tools_name_key', ['tenant_id', 'name'])
@Check('tools_kind_check', oneOf('kind', toolKinds))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class ToolEntity extends TenantRow {
  @Column('text')
  name: string;

  @Column('text')
  description: string;

  /** JSON schema of the arguments. */
  @Column('jsonb')
  input_schema: JsonObject;

  @Column('text')
  kind: ToolKind;

  @Column('jsonb', { default: {} })
  config: JsonObject;

  /** A Fernet token of the secret headers. */
  @Column('text', { nullable: true })
  secret_ciphertext: string | null;

  /** The id of the encryption key. */
  @Column('text', { nullable: true })
  secret_key_id: string | null;

  @Column('text', { array: true, default: [] })
  secret_header_names: string[];

  @Column('boolean', { default: true })
  is_active: boolean;

  @Column('boolean', { default: false })
  requires_approval: boolean;

  /** Whether who started a run may not approve its calls of the tool. */
  @Column('boolean', { default: false })
  separate_approver: boolean;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
