import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { JobEntity } from './job.entity';

/** A piece of the file that a job made. */
@Entity('job_chunks')
@ForeignKey(() => JobEntity, ['tenant_id', 'job_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class JobChunkEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  job_id: string;

  /** 0, 1, … */
  @PrimaryColumn('integer')
  seq: number;

  @Column('bytea')
  bytes: Buffer;
}
