import { IsBoolean, IsEmail, IsString, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, LinkToken, NewPassword, Nullable, Optional, Page, PageQuery, Slug } from '../fields';
import { hashing, Registered, User } from './auth.contract';
import { limits } from '../limits';

export class InviteUser {
  @IsEmail()
  @MaxLength(limits.emailCharacters)
  email: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;

  /** A built-in one or one of the tenant's own, which grants nothing that the caller may not do. */
  @Slug()
  role: string;
}

export class UpdateUser extends ById {
  @Optional()
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string | null;

  @Optional()
  @Slug()
  role?: string;

  @Optional()
  @IsBoolean()
  is_active?: boolean;
}

export class AcceptInvite {
  /** From the link of the invitation. */
  @LinkToken()
  token: string;

  @NewPassword()
  password: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;
}

export const userContract = contract('auth.user', {
  list: {
    summary: 'List users, newest first',
    http: 'GET /v1/users',
    access: 'users:read',
    input: PageQuery,
    output: Page(User),
    effect: 'safe',
  },
  invite: {
    summary: 'Invite a user: a mail brings a link that works once, for 7 days',
    http: 'POST /v1/users',
    access: 'users:create',
    input: InviteUser,
    output: User,
    effect: 'once_per_key',
  },
  inviteAgain: {
    summary: 'Send the invitation again; earlier links stop working',
    http: 'POST /v1/users/:id/invite',
    access: 'users:create',
    input: ById,
    output: User,
    status: 200,
    effect: 'once',
  },
  acceptInvite: {
    summary: 'Accept an invitation with the token of its link, and choose a password',
    http: 'POST /v1/auth/invites/accept',
    access: 'public',
    ...hashing,
    secret: true,
    input: AcceptInvite,
    output: Registered,
    status: 200,
    effect: 'once',
  },
  get: {
    summary: 'Read a user',
    http: 'GET /v1/users/:id',
    access: 'users:read',
    input: ById,
    output: User,
    effect: 'safe',
  },
  update: {
    summary: 'Change a user; deactivation ends their sessions and API keys',
    http: 'PATCH /v1/users/:id',
    access: 'users:update',
    input: UpdateUser,
    output: User,
    effect: 'once',
  },
  remove: {
    summary: 'Remove a user with their sessions and API keys',
    http: 'DELETE /v1/users/:id',
    access: 'users:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
