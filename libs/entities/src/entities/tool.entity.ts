import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { type JsonObject, oneOf, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

const toolKinds = ['builtin', 'http', 'mcp'] as const;
type ToolKind = (typeof toolKinds)[number];

@Entity('tools')
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

  @Column('boolean', { default: false })
  requires_approval: boolean;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
