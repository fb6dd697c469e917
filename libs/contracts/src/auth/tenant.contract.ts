import { IsInt, IsISO8601, IsObject, IsString, IsUUID, MaxLength, Min, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { ById, Empty, Nullable, Optional, type Timestamp } from '../fields';
import { Job } from '../job.contract';
import { Tenant } from './auth.contract';
import { limits } from '../schema/limits';

export class TenantDetails extends Tenant {
  @Describe("Settings of the tenant's own choice.", { locale: 'en' })
  @IsObject()
  settings: Record<string, unknown>;

  @Describe('When the rows of a tenant that is `deleting` are erased; null for others.', null)
  @Nullable()
  @IsISO8601()
  delete_at: Timestamp | null;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;
}

export class UpdateTenant {
  @Describe('The new name.', 'Acme')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;

  @Describe(
    'Merged into the settings key by key, at the top level alone; null removes a key. The result has 16 KB of JSON at most.',
    { locale: 'en' },
  )
  @Optional()
  @IsObject()
  settings?: Record<string, unknown>;
}

/** A finished export. */
export class Archive {
  @IsUUID()
  id: string;

  @IsInt()
  bytes: number;

  /** How many chunks the file is in. */
  @IsInt()
  chunks: number;
}

export class ReadChunk extends ById {
  /** 0, 1, … */
  @IsInt()
  @Min(0)
  seq: number;
}

export class ArchiveChunk {
  /** Base64. */
  @IsString()
  bytes: string;
}

export const tenantContract = contract('auth.tenant', {
  get: {
    summary: 'Read the tenant',
    description: "The tenant is the caller's own: there is no way to name another.",
    http: 'GET /v1/tenant',
    access: 'tenant:read',
    input: Empty,
    output: TenantDetails,
    effect: 'safe',
  },
  update: {
    summary: "Change the tenant's name or settings",
    description: 'Fields that are absent stay. Answers `validation_failed` (400) for settings of more than 16 KB.',
    http: 'PATCH /v1/tenant',
    access: 'tenant:update',
    input: UpdateTenant,
    output: TenantDetails,
    effect: 'idempotent',
  },
  remove: {
    summary: 'Delete the tenant: it is closed at once, and all its rows are erased after a time of grace',
    description:
      'All sessions and API keys end at once. `delete_at` tells when the rows go; until then the operator can take it back.',
    http: 'DELETE /v1/tenant',
    access: 'tenant:delete',
    input: Empty,
    output: Nothing,
    effect: 'idempotent',
  },
  startExport: {
    summary: "Have an archive made of all the tenant's rows; the job says when it is ready",
    description:
      'Needs `conversations:read_any` and `runs:read_any`, too: the conversations and runs of all are in it. Follow the job at `/v1/jobs/{id}`, then download the archive. Answers `conflict` (409) while another export is under way.',
    http: 'POST /v1/tenant/export',
    access: 'tenant:export',
    input: Empty,
    output: Job,
    status: 202,
    limit: { per_minute: 5 },
    effect: 'once_per_key',
  },
  archive: {
    summary: 'Download an export, gzipped JSON lines, within 7 days and until the next one is finished',
    description:
      'One JSON object a line: `{table, row}`. Secrets are left out. Answers `conflict` (409) until the export is finished, and `not_found` (404) once it is gone.',
    http: 'GET /v1/tenant/exports/:id',
    access: 'tenant:export',
    input: ById,
    output: Archive,
    custom: true,
    media_type: 'application/gzip',
    effect: 'safe',
  },
  chunk: {
    summary: 'Read a piece of an export',
    callers: ['gateway'],
    input: ReadChunk,
    output: ArchiveChunk,
    effect: 'safe',
  },
});
