import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  IsUUID,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract } from '../contract';
import { Describe } from '../schema/describe';
import {
  EmailAddress,
  Empty,
  GivenPassword,
  NewPassword,
  Nullable,
  Optional,
  passwordRule,
  type Timestamp,
} from '../fields';
import { limits } from '../schema/limits';

export const tenantStatuses = ['active', 'suspended', 'deleting'] as const;
export type TenantStatus = (typeof tenantStatuses)[number];

export class Register {
  @Describe('Name of the new tenant.', 'Acme')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  tenant_name: string;

  @Describe('E-mail address of its first user, by which they log in.', 'ada@example.com')
  @EmailAddress()
  email: string;

  @Describe(`Password of ${passwordRule}.`, 'correct horse battery staple')
  @NewPassword()
  password: string;

  @Describe("The user's name.", 'Ada Lovelace')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;
}

export class Login {
  @Describe('E-mail address.', 'ada@example.com')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.emailCharacters)
  email: string;

  @Describe("The user's password.", 'correct horse battery staple')
  @GivenPassword()
  password: string;
}

const userStatuses = ['invited', 'active', 'inactive'] as const;
export type UserStatus = (typeof userStatuses)[number];

export class User {
  @Describe('Id of the user.')
  @IsUUID()
  id: string;

  @Describe("Id of the user's tenant.")
  @IsUUID()
  tenant_id: string;

  @Describe('E-mail address, by which the user logs in: in lower case, its domain in ASCII.', 'ada@example.com')
  @IsString()
  email: string;

  @Describe("The user's name.", 'Ada Lovelace')
  @Nullable()
  @IsString()
  name: string | null;

  @Describe('Name of the role, which says what the user may do.', 'admin')
  @IsString()
  role: string;

  @Describe('Whether the user may log in.')
  @IsBoolean()
  is_active: boolean;

  @Describe(
    '`invited` until the invitation is accepted; `inactive`, whether accepted or not, when not `is_active`.',
    'active',
  )
  @IsIn(userStatuses)
  status: UserStatus;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When the user last logged in; null before.')
  @Nullable()
  @IsISO8601()
  last_login_at: Timestamp | null;
}

export class Tenant {
  @Describe('Id of the tenant.')
  @IsUUID()
  id: string;

  @Describe('Name of the tenant.', 'Acme')
  @IsString()
  name: string;

  @Describe('The plan, which sets its limits.', 'free')
  @IsString()
  plan_id: string;

  @Describe('`active`; `suspended` by the operator; `deleting` until its rows are erased.')
  @IsIn(tenantStatuses)
  status: string;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;
}

export class Registered {
  @Describe('The user.')
  @ValidateNested()
  @Type(() => User)
  user: User;

  @Describe("The user's tenant.")
  @ValidateNested()
  @Type(() => Tenant)
  tenant: Tenant;
}

export class LoggedIn {
  @Describe('Sent as `Authorization: Bearer …`.', 'eyJhbGciOiJFZERTQSJ9.…')
  @IsString()
  access_token: string;

  @Describe('Always `Bearer`.')
  @IsIn(['Bearer'])
  token_type: string;

  @Describe('Seconds until the access token expires.', 86_400)
  @IsInt()
  expires_in: number;

  @Describe('Exchanged for the next access token at `/v1/auth/refresh`; works once.', 'rt_…')
  @IsString()
  refresh_token: string;

  @Describe('Who has logged in.')
  @ValidateNested()
  @Type(() => User)
  user: User;
}

export class Me extends Registered {
  @Describe('What the caller may do: `resource:action`, with `*` on either side.', ['*:*'])
  @IsString({ each: true })
  permissions: string[];
}

/** Issuer and audience of access tokens. */
export const TOKEN_PARTY = 'task-assistant';

export class JsonWebKey {
  @Describe('Type of the key.', 'OKP')
  @IsString()
  kty: string;

  @Describe('Curve of the key.', 'Ed25519')
  @IsString()
  crv: string;

  @Describe('The public key, in base64url.', '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo')
  @IsString()
  x: string;

  @Describe('Id of the key, which tokens name.', '2026-01')
  @IsString()
  kid: string;

  @Describe('How tokens are signed.', 'EdDSA')
  @IsString()
  alg: string;

  @Describe('What the key is for.', 'sig')
  @IsString()
  use: string;

  @Describe(
    'Seconds since 1970: from then on tokens of the key are refused. Absent while the key is the newest.',
    1_769_860_800,
  )
  @Optional()
  @IsInt()
  exp?: number;
}

export class JsonWebKeySet {
  @Describe('The keys, newest first.')
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => JsonWebKey)
  keys: JsonWebKey[];
}

/** Of methods that hash a password: they wait for each other, in a lane of their own, and longer than others. */
export const hashing = { long: true, timeout_ms: 15_000 } as const;

export const authContract = contract('auth', {
  register: {
    summary: 'Create a tenant and its first user, an admin',
    description:
      'Nobody needs to be logged in. Log in afterwards to get a token. Answers `email_taken` (409) for an address in use, and `rate_limited` (429) to a network that met that too often.',
    http: 'POST /v1/auth/register',
    access: 'public',
    secret: true,
    ...hashing,
    input: Register,
    output: Registered,
    limit: { per_minute: 120 },
    effect: 'once',
  },
  login: {
    summary: 'Exchange e-mail and password for an access token of 24 hours',
    description:
      "The access token opens everything that the user's role permits; the refresh token brings the next one. Answers `invalid_credentials` (401) for a wrong address and a wrong password alike, `tenant_suspended` (403), and `rate_limited` (429) with `Retry-After` after several failures.",
    http: 'POST /v1/auth/login',
    access: 'public',
    secret: true,
    ...hashing,
    input: Login,
    output: LoggedIn,
    status: 200,
    limit: { per_minute: 300 },
    effect: 'once',
  },
  me: {
    summary: 'The caller: user, tenant and permissions',
    description:
      'Works with an access token and with an API key, whose permissions are those of its scopes that its user has now.',
    http: 'GET /v1/auth/me',
    access: 'authenticated',
    input: Empty,
    output: Me,
    effect: 'safe',
  },
  jwks: {
    summary: 'The public keys that access tokens are signed with',
    description: 'For services that check access tokens themselves. May be cached for five minutes.',
    http: 'GET /.well-known/jwks.json',
    access: 'public',
    input: Empty,
    output: JsonWebKeySet,
    effect: 'safe',
    max_age: 300,
  },
});
