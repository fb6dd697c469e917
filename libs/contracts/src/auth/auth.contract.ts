import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsEmail,
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
import { Empty, GivenPassword, NewPassword, Nullable, Optional, type Timestamp } from '../fields';
import { limits } from '../limits';

export const tenantStatuses = ['active', 'suspended', 'deleting'] as const;
export type TenantStatus = (typeof tenantStatuses)[number];

export class Register {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  tenant_name: string;

  @IsEmail()
  @MaxLength(limits.emailCharacters)
  email: string;

  @NewPassword()
  password: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;
}

export class Login {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.emailCharacters)
  email: string;

  @GivenPassword()
  password: string;
}

const userStatuses = ['invited', 'active', 'inactive'] as const;
export type UserStatus = (typeof userStatuses)[number];

export class User {
  @IsUUID()
  id: string;

  @IsUUID()
  tenant_id: string;

  @IsString()
  email: string;

  @Nullable()
  @IsString()
  name: string | null;

  @IsString()
  role: string;

  @IsBoolean()
  is_active: boolean;

  /** `invited` until the invitation is accepted; `inactive`, whether accepted or not, when not `is_active`. */
  @IsIn(userStatuses)
  status: UserStatus;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  last_login_at: Timestamp | null;
}

export class Tenant {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  @IsString()
  plan_id: string;

  @IsIn(tenantStatuses)
  status: string;

  @IsISO8601()
  created_at: Timestamp;
}

export class Registered {
  @ValidateNested()
  @Type(() => User)
  user: User;

  @ValidateNested()
  @Type(() => Tenant)
  tenant: Tenant;
}

export class LoggedIn {
  @IsString()
  access_token: string;

  @IsIn(['Bearer'])
  token_type: string;

  /** Seconds. */
  @IsInt()
  expires_in: number;

  @IsString()
  refresh_token: string;

  @ValidateNested()
  @Type(() => User)
  user: User;
}

export class Me extends Registered {
  @IsString({ each: true })
  permissions: string[];
}

/** Issuer and audience of access tokens. */
export const TOKEN_PARTY = 'task-assistant';

export class JsonWebKey {
  @IsString()
  kty: string;

  @IsString()
  crv: string;

  @IsString()
  x: string;

  @IsString()
  kid: string;

  @IsString()
  alg: string;

  @IsString()
  use: string;

  /** Seconds since 1970: from then on tokens of the key are refused. Absent while the key is the newest. */
  @Optional()
  @IsInt()
  exp?: number;
}

export class JsonWebKeySet {
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
    http: 'POST /v1/auth/register',
    access: 'public',
    secret: true,
    ...hashing,
    input: Register,
    output: Registered,
    effect: 'once',
  },
  login: {
    summary: 'Exchange e-mail and password for an access token of 24 hours',
    http: 'POST /v1/auth/login',
    access: 'public',
    secret: true,
    ...hashing,
    input: Login,
    output: LoggedIn,
    status: 200,
    effect: 'once',
  },
  me: {
    summary: 'The caller: user, tenant and permissions',
    http: 'GET /v1/auth/me',
    access: 'authenticated',
    input: Empty,
    output: Me,
    effect: 'safe',
  },
  jwks: {
    summary: 'The public keys that access tokens are signed with',
    http: 'GET /.well-known/jwks.json',
    access: 'public',
    input: Empty,
    output: JsonWebKeySet,
    effect: 'safe',
    max_age: 300,
  },
});
