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
import { Describe } from '../schema/describe';
import { ById, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';
import { limits } from '../schema/limits';

export class CreateRole {
  @Describe("What users' `role` names it by; not the name of a built-in role.", 'auditor')
  @Slug()
  name: string;

  @Describe('What the role is for.', 'Reads everything.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  @Describe('What the role grants: `resource:action`, with `*` on either side; none beyond what the caller may do.', [
    'tasks:read',
  ])
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  permissions: string[];
}

export class UpdateRole extends ById {
  @Describe('The new name.', 'auditor')
  @Optional()
  @Slug()
  name?: string;

  @Describe('What the role is for.', 'Reads everything.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  @Describe('What the role grants: `resource:action`, with `*` on either side; none beyond what the caller may do.', [
    'tasks:read',
  ])
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  permissions?: string[];
}

export class Role {
  @Describe('Id of the role; null for a built-in one.')
  @Nullable()
  @IsUUID()
  id: string | null;

  @Describe("What users' `role` names it by.", 'auditor')
  @IsString()
  name: string;

  @Describe('What the role is for.', 'Reads everything.')
  @Nullable()
  @IsString()
  description: string | null;

  @Describe('What the role grants: `resource:action`, with `*` on either side.', ['*:read'])
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  permissions: string[];

  @Describe('Whether the product brings it; such a role cannot be changed.', false)
  @IsBoolean()
  is_builtin: boolean;

  @Describe('When it was created; null for a built-in one.')
  @Nullable()
  @IsISO8601()
  created_at: Timestamp | null;

  @Describe('When it was last changed; null for a built-in one.')
  @Nullable()
  @IsISO8601()
  updated_at: Timestamp | null;
}

export const roleContract = contract('auth.role', {
  list: {
    summary: 'List roles: the built-in ones, then the tenant’s own, oldest first',
    description: 'Built-in roles cannot be changed; they come on the first page.',
    http: 'GET /v1/roles',
    access: 'roles:read',
    input: PageQuery,
    output: Page(Role),
    effect: 'safe',
  },
  create: {
    summary: `Create a role, at most ${limits.rolesOfTenant} per tenant`,
    description:
      'Answers `slug_taken` (409) for a name in use, `forbidden` (403) for permissions that the caller does not have, and `conflict` (409) for one more than that.',
    http: 'POST /v1/roles',
    access: 'roles:create',
    input: CreateRole,
    output: Role,
    effect: 'once_per_key',
  },
  update: {
    summary: 'Change a role; whoever has it may do within seconds what it says then',
    description:
      'Fields that are absent stay. Answers `slug_taken` (409) for a name in use, and `forbidden` (403) for permissions that the caller does not have.',
    http: 'PATCH /v1/roles/:id',
    access: 'roles:update',
    input: UpdateRole,
    output: Role,
    effect: 'once',
  },
  remove: {
    summary: 'Delete a role that no user has',
    description: 'Answers `conflict` (409) while users have it.',
    http: 'DELETE /v1/roles/:id',
    access: 'roles:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
