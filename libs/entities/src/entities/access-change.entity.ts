import { accessChangeKinds, type AccessChangeKind } from '@taai/contracts';
import { Check, Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { oneOf, TimestamptzNow } from './columns';

/** What stopped granting access; gateways read it to forget what they have cached. Kept for 24 hours. */
@Entity('access_changes')
@Index('idx_access_changes_at', ['at'])
@Check('access_changes_kind_check', oneOf('kind', accessChangeKinds))
export class AccessChangeEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryGeneratedColumn({ type: 'bigint' })
  seq: number;

  @Column('text')
  kind: AccessChangeKind;

  /** Of the session, key, user or tenant. */
  @Column('uuid')
  id: string;

  @TimestamptzNow()
  at: Date;
}
