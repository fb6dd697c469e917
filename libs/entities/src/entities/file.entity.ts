import type { FilePurpose } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { BigIntColumn, oneOf, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/** Whether its bytes are on their way, there, or about to go. The row comes before the bytes, and goes after them. */
const fileStatuses = ['uploading', 'ready', 'deleting'] as const;
export type FileStatus = (typeof fileStatuses)[number];

@Entity('files')
@Index('idx_files_user', ['tenant_id', 'user_id', 'id'])
@Index('idx_files_bytes', ['tenant_id', 'status', 'bytes'])
@Index('idx_files_turns', ['tenant_id', 'created_at'], { where: "status <> 'ready'" })
@Check('files_status_check', oneOf('status', fileStatuses))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class FileEntity extends TenantRow {
  @Column('uuid', { nullable: true })
  user_id: string | null;

  @Column('text', { default: 'uploading' })
  status: FileStatus;

  @Column('text', { default: '' })
  filename: string;

  @Column('text', { default: 'user_data' })
  purpose: FilePurpose;

  @Column('text', { default: '' })
  content_type: string;

  @BigIntColumn({ default: 0 })
  bytes: number;

  /** Of all its bytes, in hex. */
  @Column('text', { nullable: true })
  sha256: string | null;

  /** The part of its key in the store that names the upload which came to its end; null while none has. */
  @Column('uuid', { nullable: true })
  stored_as: string | null;

  @TimestamptzNow()
  created_at: Date;
}
