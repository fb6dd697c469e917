import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsISO8601,
  IsString,
  IsUUID,
  MaxLength,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';
import { limits } from '../limits';

export class CreateRole {
  @Slug()
  name: string;

  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  /** `resource:action`, with `*` on either side; none beyond what the caller may do. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  permissions: string[];
}

export class UpdateRole extends ById {
  @Optional()
  @Slug()
  name?: string;

  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  permissions?: string[];
}

export class Role {
  /** Null for a built-in role. */
  @Nullable()
  @IsUUID()
  id: string | null;

  @IsString()
  name: string;

  @Nullable()
  @IsString()
  description: string | null;

  @IsString({ each: true })
  permissions: string[];

  @IsBoolean()
  is_builtin: boolean;

  @Nullable()
  @IsISO8601()
  created_at: Timestamp | null;

  @Nullable()
  @IsISO8601()
  updated_at: Timestamp | null;
}

export const roleContract = contract('auth.role', {
  list: {
    summary: 'List roles: the built-in ones, then the tenant’s own, oldest first',
    http: 'GET /v1/roles',
    access: 'roles:read',
    input: PageQuery,
    output: Page(Role),
    effect: 'safe',
  },
  create: {
    summary: 'Create a role, at most 50 per tenant',
    http: 'POST /v1/roles',
    access: 'roles:create',
    input: CreateRole,
    output: Role,
    effect: 'once_per_key',
  },
  update: {
    summary: 'Change a role; whoever has it may do within seconds what it says then',
    http: 'PATCH /v1/roles/:id',
    access: 'roles:update',
    input: UpdateRole,
    output: Role,
    effect: 'once',
  },
  remove: {
    summary: 'Delete a role that no user has',
    http: 'DELETE /v1/roles/:id',
    access: 'roles:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
