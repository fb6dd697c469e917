import { IsIn, IsInt, IsISO8601, IsObject, IsString, IsUUID } from 'class-validator';
import { contract } from './contract';
import { ById, Nullable, Page, PageQuery, type Timestamp } from './fields';

export const jobStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Work that outlives its request. */
export class Job {
  @IsUUID()
  id: string;

  /** `tenant.export`, … */
  @IsString()
  kind: string;

  @IsIn(jobStatuses)
  status: JobStatus;

  /** Items done. */
  @IsInt()
  progress: number;

  /** Items in all; null until counted. */
  @Nullable()
  @IsInt()
  total: number | null;

  /** What came of it: its kind says what stands there. */
  @Nullable()
  @IsObject()
  result: Record<string, unknown> | null;

  @Nullable()
  @IsString()
  error_code: string | null;

  @Nullable()
  @IsString()
  error_detail: string | null;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}

export const jobContract = contract('task.job', {
  list: {
    summary: 'List jobs, newest first',
    http: 'GET /v1/jobs',
    access: 'jobs:read',
    input: PageQuery,
    output: Page(Job),
    effect: 'safe',
  },
  get: {
    summary: 'Read a job: how far it is, and what came of it',
    http: 'GET /v1/jobs/:id',
    access: 'jobs:read',
    input: ById,
    output: Job,
    effect: 'safe',
  },
});
