import { IsBoolean, IsISO8601, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { ById, Nullable, Page, PageQuery, type Timestamp } from '../fields';
import { LoggedIn } from './auth.contract';
import { limits } from '../schema/limits';

export class Refresh {
  @Describe('The newest refresh token of the session.', 'rt_…')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.refreshTokenCharacters)
  refresh_token: string;
}

export class Session {
  @Describe('Id of the session.')
  @IsUUID()
  id: string;

  @Describe('Address from which it was opened.', '203.0.113.7')
  @Nullable()
  @IsString()
  ip: string | null;

  @Describe('Program by which it was opened.', 'Mozilla/5.0')
  @Nullable()
  @IsString()
  user_agent: string | null;

  @Describe('When it was opened.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When its tokens were last renewed.')
  @IsISO8601()
  last_used_at: Timestamp;

  @Describe('When it ends by itself.')
  @IsISO8601()
  expires_at: Timestamp;

  @Describe('Whether the request belongs to it.')
  @IsBoolean()
  is_current: boolean;
}

export const sessionContract = contract('auth.session', {
  refresh: {
    summary: 'Exchange a refresh token for a new access token and the next refresh token',
    description:
      'The old refresh token stops working; for ten seconds it still brings the same successor, so that a lost answer ends no session. A token that is used again later ends its session: `invalid_refresh_token` (401).',
    http: 'POST /v1/auth/refresh',
    access: 'public',
    secret: true,
    input: Refresh,
    output: LoggedIn,
    status: 200,
    // For ten seconds a token is exchanged for the same successor.
    limit: { per_minute: 600 },
    effect: 'idempotent',
  },
  logout: {
    summary: 'End the session that a refresh token belongs to',
    description: "The session's access tokens stop working within seconds. An unknown token answers 204 too.",
    http: 'POST /v1/auth/logout',
    access: 'public',
    secret: true,
    input: Refresh,
    output: Nothing,
    effect: 'idempotent',
  },
  list: {
    summary: "The caller's sessions, newest first",
    description: 'For people who have logged in; API keys answer `forbidden` (403).',
    http: 'GET /v1/auth/sessions',
    access: 'session',
    input: PageQuery,
    output: Page(Session),
    effect: 'safe',
  },
  revoke: {
    summary: "End one of the caller's sessions",
    description: 'Its access tokens stop working within seconds. Answers `not_found` for a session of anybody else.',
    http: 'DELETE /v1/auth/sessions/:id',
    access: 'session',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
