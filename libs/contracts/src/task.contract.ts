import { ArrayMaxSize, IsArray, IsIn, IsISO8601, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from './contract';
import { ById, Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';
import { limits } from './limits';

export const taskStatuses = ['todo', 'in_progress', 'done', 'cancelled'] as const;
export const taskPriorities = ['low', 'medium', 'high', 'urgent'] as const;
export type TaskStatus = (typeof taskStatuses)[number];
export type TaskPriority = (typeof taskPriorities)[number];

/** What may be left out of a new task and of a change. */
class TaskFields {
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.taskDescriptionCharacters)
  description?: string | null;

  @Optional()
  @IsIn(taskStatuses)
  status?: TaskStatus;

  @Optional()
  @IsIn(taskPriorities)
  priority?: TaskPriority;

  @Optional()
  @Nullable()
  @IsISO8601({ strict: true })
  due_at?: string | null;

  @Optional()
  @Nullable()
  @IsUUID()
  assignee_id?: string | null;

  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.taskLabels)
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(limits.taskLabelCharacters, { each: true })
  labels?: string[];
}

export class CreateTask extends TaskFields {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.taskTitleCharacters)
  title: string;
}

export class UpdateTask extends TaskFields {
  @IsUUID()
  id: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.taskTitleCharacters)
  title?: string;
}

/** Newest first. */
export class ListTasks extends PageQuery {
  @Optional()
  @IsIn(taskStatuses)
  status?: TaskStatus;

  @Optional()
  @IsIn(taskPriorities)
  priority?: TaskPriority;

  @Optional()
  @IsUUID()
  assignee_id?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.taskLabelCharacters)
  label?: string;

  @Optional()
  @IsISO8601({ strict: true })
  due_before?: string;
}

export class Task {
  @IsUUID()
  id: string;

  @IsString()
  title: string;

  @Nullable()
  @IsString()
  description: string | null;

  @IsIn(taskStatuses)
  status: string;

  @IsIn(taskPriorities)
  priority: string;

  @Nullable()
  @IsISO8601()
  due_at: Timestamp | null;

  @Nullable()
  @IsUUID()
  assignee_id: string | null;

  @IsString({ each: true })
  labels: string[];

  @Nullable()
  @IsUUID()
  created_by: string | null;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;

  @Nullable()
  @IsISO8601()
  completed_at: Timestamp | null;
}

export const taskContract = contract('task', {
  create: {
    summary: 'Create a task',
    http: 'POST /v1/tasks',
    access: 'tasks:create',
    input: CreateTask,
    output: Task,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List tasks, newest first',
    http: 'GET /v1/tasks',
    access: 'tasks:read',
    input: ListTasks,
    output: Page(Task),
    effect: 'safe',
  },
  get: {
    summary: 'Read a task',
    http: 'GET /v1/tasks/:id',
    access: 'tasks:read',
    input: ById,
    output: Task,
    effect: 'safe',
  },
  update: {
    summary: 'Change fields of a task',
    http: 'PATCH /v1/tasks/:id',
    access: 'tasks:update',
    input: UpdateTask,
    output: Task,
    effect: 'once',
  },
  remove: {
    summary: 'Delete a task',
    http: 'DELETE /v1/tasks/:id',
    access: 'tasks:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
