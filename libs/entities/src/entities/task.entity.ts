import { taskPriorities, taskStatuses, type TaskPriority, type TaskStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';
import { UserEntity } from './user.entity';

@Entity('tasks')
@Index('idx_tasks_tenant_status', ['tenant_id', 'status', 'id'])
@Index('idx_tasks_assignee', ['tenant_id', 'assignee_id', 'id'], { where: 'assignee_id is not null' })
@Check('tasks_status_check', oneOf('status', taskStatuses))
@Check('tasks_priority_check', oneOf('priority', taskPriorities))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
@ForeignKey(() => UserEntity, ['tenant_id', 'assignee_id'], ['tenant_id', 'id'], { onDelete: 'SET NULL' })
export class TaskEntity extends TenantRow {
  @Column('text')
  title: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('text', { default: 'todo' })
  status: TaskStatus;

  @Column('text', { default: 'medium' })
  priority: TaskPriority;

  @Timestamptz({ nullable: true })
  due_at: Date | null;

  @Column('uuid', { nullable: true })
  assignee_id: string | null;

  @Column('text', { array: true, default: [] })
  labels: string[];

  @Column('uuid', { nullable: true })
  created_by: string | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;

  @Timestamptz({ nullable: true })
  completed_at: Date | null;

  @Timestamptz({ nullable: true })
  deleted_at: Date | null;
}
