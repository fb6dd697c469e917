import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import {
  ById,
  EmailAddress,
  LinkToken,
  NewPassword,
  Nullable,
  Optional,
  Page,
  PageQuery,
  passwordRule,
  Slug,
} from '../fields';
import { hashing, Registered, User } from './auth.contract';
import { limits } from '../schema/limits';

export class InviteUser {
  @Describe('Where the invitation goes, and by which the user will log in.', 'grace@example.com')
  @EmailAddress()
  email: string;

  @Describe("The user's name.", 'Grace Hopper')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;

  @Describe(
    "Name of a built-in role or of one of the tenant's own, which grants nothing that the caller may not do.",
    'member',
  )
  @Slug()
  role: string;
}

export class UpdateUser extends ById {
  @Describe("The user's name; null for none.", 'Grace Hopper')
  @Optional()
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string | null;

  @Describe(
    "Name of a built-in role or of one of the tenant's own, which grants nothing that the caller may not do.",
    'member',
  )
  @Optional()
  @Slug()
  role?: string;

  @Describe("False: ends the user's sessions and API keys; they may not log in.")
  @Optional()
  @IsBoolean()
  is_active?: boolean;
}

export class AcceptInvite {
  @Describe('From the link of the invitation.', '4fQ2m8Yv0c1Xb7Rz9Lk3Wn6Tj5Hs2Pd8Ga1Qe4Uo7Mi')
  @LinkToken()
  token: string;

  @Describe(`Password of ${passwordRule}.`, 'correct horse battery staple')
  @NewPassword()
  password: string;

  @Describe("The user's name; as the invitation has it if absent.", 'Grace Hopper')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;
}

export const userContract = contract('auth.user', {
  list: {
    summary: 'List users, newest first',
    description: 'Invited and inactive users are among them.',
    http: 'GET /v1/users',
    access: 'users:read',
    input: PageQuery,
    output: Page(User),
    effect: 'safe',
  },
  invite: {
    summary: 'Invite a user: a mail brings a link that works once, for 7 days',
    description:
      'Answers `email_taken` (409) for an address in use, `validation_failed` (400) for an unknown role, `forbidden` (403) for a role that grants more than the caller may do, and `rate_limited` (429) to a tenant that met addresses in use too often, or after too many mails of the tenant or to the address.',
    http: 'POST /v1/users',
    access: 'users:create',
    input: InviteUser,
    output: User,
    effect: 'once_per_key',
  },
  inviteAgain: {
    summary: 'Send the invitation again; earlier links stop working',
    description: 'Answers `conflict` (409) for a user who is not `invited` any more.',
    http: 'POST /v1/users/:id/invite',
    access: 'users:create',
    input: ById,
    output: User,
    status: 200,
    effect: 'once',
  },
  acceptInvite: {
    summary: 'Accept an invitation with the token of its link, and choose a password',
    description:
      'Log in afterwards to get a token. Answers `invalid_token` (400) for a link that is used, replaced or too old, and `validation_failed` (400) for a password that is too easy.',
    http: 'POST /v1/auth/invites/accept',
    access: 'public',
    ...hashing,
    secret: true,
    input: AcceptInvite,
    output: Registered,
    status: 200,
    limit: { per_minute: 60 },
    effect: 'once',
  },
  get: {
    summary: 'Read a user',
    description: 'Answers `not_found` (404) for a user of another tenant, too.',
    http: 'GET /v1/users/:id',
    access: 'users:read',
    input: ById,
    output: User,
    effect: 'safe',
  },
  update: {
    summary: 'Change a user; deactivation ends their sessions and API keys',
    description:
      'Fields that are absent stay. Answers `last_admin` (409) when the tenant would be left without an active admin, and `forbidden` (403) for a role that grants more than the caller may do.',
    http: 'PATCH /v1/users/:id',
    access: 'users:update',
    input: UpdateUser,
    output: User,
    effect: 'once',
  },
  remove: {
    summary: 'Remove a user with their sessions and API keys',
    description:
      'What they created stays. Answers `last_admin` (409) when the tenant would be left without an active admin.',
    http: 'DELETE /v1/users/:id',
    access: 'users:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
