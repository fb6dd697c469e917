import { IsIn, IsInt, IsISO8601, IsObject, IsString, IsUUID } from 'class-validator';
import { contract } from './contract';
import { Describe } from './schema/describe';
import { ById, Nullable, Page, PageQuery, type Timestamp } from './fields';

export const jobStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Work that outlives its request. */
export class Job {
  @Describe('Id of the job.')
  @IsUUID()
  id: string;

  @Describe('What it does, such as `tenant.export`.', 'tenant.export')
  @IsString()
  kind: string;

  @Describe('How far it is.', 'completed')
  @IsIn(jobStatuses)
  status: JobStatus;

  @Describe('Items done.', 1200)
  @IsInt()
  progress: number;

  @Describe('Items in all; null until counted.', 1200)
  @Nullable()
  @IsInt()
  total: number | null;

  @Describe('What came of it: the kind says what stands there.', { export_id: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42' })
  @Nullable()
  @IsObject()
  result: Record<string, unknown> | null;

  @Describe('Stable code of the failure; null when there is none.', null)
  @Nullable()
  @IsString()
  error_code: string | null;

  @Describe('What went wrong, in a sentence.', null)
  @Nullable()
  @IsString()
  error_detail: string | null;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it ended; null until then.')
  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}

export const jobContract = contract('task.job', {
  list: {
    summary: 'List jobs, newest first',
    description: 'Jobs do what takes longer than a request, such as exports.',
    http: 'GET /v1/jobs',
    access: 'jobs:read',
    input: PageQuery,
    output: Page(Job),
    effect: 'safe',
  },
  get: {
    summary: 'Read a job: how far it is, and what came of it',
    description: 'Ask again until `status` is `completed`, `failed` or `cancelled`.',
    http: 'GET /v1/jobs/:id',
    access: 'jobs:read',
    input: ById,
    output: Job,
    effect: 'safe',
  },
});
