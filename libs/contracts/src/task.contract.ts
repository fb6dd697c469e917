import { ArrayMaxSize, IsArray, IsIn, IsISO8601, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from './contract';
import { Describe } from './schema/describe';
import { ById, Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';
import { limits } from './schema/limits';

export const taskStatuses = ['todo', 'in_progress', 'done', 'cancelled'] as const;
export const taskPriorities = ['low', 'medium', 'high', 'urgent'] as const;
export type TaskStatus = (typeof taskStatuses)[number];
export type TaskPriority = (typeof taskPriorities)[number];

/** What may be left out of a new task and of a change. */
class TaskFields {
  @Describe('What is to be done, at length.', 'Net 30, by bank transfer.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.taskDescriptionCharacters)
  description?: string | null;

  @Describe('How far the task is; `todo` if absent in a new one.')
  @Optional()
  @IsIn(taskStatuses)
  status?: TaskStatus;

  @Describe('How urgent the task is; `medium` if absent in a new one.', 'high')
  @Optional()
  @IsIn(taskPriorities)
  priority?: TaskPriority;

  @Describe('When it is due: RFC 3339, such as 2026-05-01T09:30:00Z.', '2026-05-01T09:30:00Z')
  @Optional()
  @Nullable()
  @IsISO8601({ strict: true })
  due_at?: string | null;

  @Describe("Id of the user who is to do it, one of the tenant's.")
  @Optional()
  @Nullable()
  @IsUUID()
  assignee_id?: string | null;

  @Describe('Free words to find it by.', ['finance'])
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.taskLabels)
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(limits.taskLabelCharacters, { each: true })
  labels?: string[];
}

/** What a new task has where its creator says nothing. */
export const unsetTaskFields: Required<TaskFields> = {
  description: null,
  status: 'todo',
  priority: 'medium',
  due_at: null,
  assignee_id: null,
  labels: [],
};

export class CreateTask extends TaskFields {
  @Describe('What is to be done, in a line.', 'Pay the invoice')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.taskTitleCharacters)
  title: string;
}

export class UpdateTask extends TaskFields {
  @Describe('Id of the task.')
  @IsUUID()
  id: string;

  @Describe('What is to be done, in a line.', 'Pay the invoice')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.taskTitleCharacters)
  title?: string;
}

/** Newest first. */
export class ListTasks extends PageQuery {
  @Describe('Only tasks of this status.')
  @Optional()
  @IsIn(taskStatuses)
  status?: TaskStatus;

  @Describe('Only tasks of this priority.', 'high')
  @Optional()
  @IsIn(taskPriorities)
  priority?: TaskPriority;

  @Describe('Only tasks of this user.')
  @Optional()
  @IsUUID()
  assignee_id?: string;

  @Describe('Only tasks with this label.', 'finance')
  @Optional()
  @IsString()
  @MaxLength(limits.taskLabelCharacters)
  label?: string;

  @Describe('Only tasks that are due before: RFC 3339, such as 2026-05-01T09:30:00Z.', '2026-05-01T09:30:00Z')
  @Optional()
  @IsISO8601({ strict: true })
  due_before?: string;
}

export class Task {
  @Describe('Id of the task.')
  @IsUUID()
  id: string;

  @Describe('What is to be done, in a line.', 'Pay the invoice')
  @IsString()
  title: string;

  @Describe('What is to be done, at length.', 'Net 30, by bank transfer.')
  @Nullable()
  @IsString()
  description: string | null;

  @Describe('How far the task is.')
  @IsIn(taskStatuses)
  status: string;

  @Describe('How urgent the task is.', 'high')
  @IsIn(taskPriorities)
  priority: string;

  @Describe('When it is due.')
  @Nullable()
  @IsISO8601()
  due_at: Timestamp | null;

  @Describe('Id of the user who is to do it.')
  @Nullable()
  @IsUUID()
  assignee_id: string | null;

  @Describe('Free words to find it by.', ['finance'])
  @IsString({ each: true })
  labels: string[];

  @Describe('Id of the user who created it.')
  @Nullable()
  @IsUUID()
  created_by: string | null;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;

  @Describe('When it was last set to `done`; null while it is not.', null)
  @Nullable()
  @IsISO8601()
  completed_at: Timestamp | null;
}

export const taskContract = contract('task', {
  create: {
    summary: 'Create a task',
    description:
      'Tells webhooks `task.created`. Answers `validation_failed` (400) for an assignee who is no user of the tenant.',
    http: 'POST /v1/tasks',
    access: 'tasks:create',
    input: CreateTask,
    output: Task,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List tasks, newest first',
    description: 'Filters combine.',
    http: 'GET /v1/tasks',
    access: 'tasks:read',
    input: ListTasks,
    output: Page(Task),
    effect: 'safe',
  },
  get: {
    summary: 'Read a task',
    description: 'Answers `not_found` (404) for a task of another tenant, too.',
    http: 'GET /v1/tasks/:id',
    access: 'tasks:read',
    input: ById,
    output: Task,
    effect: 'safe',
  },
  update: {
    summary: 'Change fields of a task',
    description:
      'Fields that are absent stay. Tells webhooks `task.updated`, and `task.completed` when the status becomes `done`. Answers `validation_failed` (400) for an assignee who is no user of the tenant.',
    http: 'PATCH /v1/tasks/:id',
    access: 'tasks:update',
    input: UpdateTask,
    output: Task,
    effect: 'once',
  },
  remove: {
    summary: 'Delete a task',
    description: 'Tells webhooks `task.deleted`. Answers `not_found` (404) the second time.',
    http: 'DELETE /v1/tasks/:id',
    access: 'tasks:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
