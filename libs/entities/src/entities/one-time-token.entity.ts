import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { UserEntity } from './user.entity';

const oneTimeTokenKinds = ['invite', 'password_reset'] as const;
export type OneTimeTokenKind = (typeof oneTimeTokenKinds)[number];

/** A link that a mail brings. It is minted when the mail is written, works once, and is stored nowhere but in the mail. */
@Entity('one_time_tokens')
@Unique('one_time_tokens_token_hash_key', ['token_hash'])
@Index('idx_one_time_tokens_user', ['tenant_id', 'user_id'])
@Check('one_time_tokens_kind_check', oneOf('kind', oneTimeTokenKinds))
@ForeignKey(() => UserEntity, ['tenant_id', 'user_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class OneTimeTokenEntity extends TenantRow {
  @Column('uuid')
  user_id: string;

  @Column('text')
  kind: OneTimeTokenKind;

  /** SHA-256 in hex; null until the mail is written. */
  @Column('text', { nullable: true })
  token_hash: string | null;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz()
  expires_at: Date;

  @Timestamptz({ nullable: true })
  used_at: Date | null;
}
