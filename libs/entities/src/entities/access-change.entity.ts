import { accessChangeKinds, type AccessChangeKind } from '@taai/contracts';
import { Check, Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { oneOf, TimestamptzNow } from './columns';

/** A session, key, user, tenant or shared conversation: access by it, or to it, ended or changed. Gateways read it to forget what they have cached. It is kept for 24 hours. */
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

  /** The id of the session, key, user, tenant or conversation. */
  @Column('uuid')
  id: string;

  @TimestamptzNow()
  at: Date;
}
