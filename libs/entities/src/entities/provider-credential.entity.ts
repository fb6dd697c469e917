import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { TenantRow, TimestamptzNow } from './columns';
import { ProviderEntity } from './provider.entity';

@Entity('provider_credentials')
@Index('idx_provider_credentials_provider', ['tenant_id', 'provider_id', 'id'])
@Index('idx_provider_credentials_key', ['key_id'])
@ForeignKey(() => ProviderEntity, ['tenant_id', 'provider_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ProviderCredentialEntity extends TenantRow {
  @Column('uuid')
  provider_id: string;

  /** The credentials as a Fernet token. */
  @Column('text')
  ciphertext: string;

  /** The id of the encryption key. */
  @Column('text')
  key_id: string;

  @TimestamptzNow()
  created_at: Date;
}
