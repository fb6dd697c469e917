import { Injectable } from '@nestjs/common';
import {
  notFound,
  ProblemError,
  type ById,
  type LoggedIn,
  type PageOf,
  type PageQuery,
  type Refresh,
  type Session,
} from '@taai/contracts';
import { audit, idAfter, toPage, withTenant, withTenantId, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { AccessTokens } from '../access/access-token';
import { currentSession } from './current-session';
import { tokenResponse, type OpenSession } from '../login/token-response';
import { exchange } from './refresh-token';
import { SessionRepository } from './session.repository';
import { assertTenantActive } from '../tenant/tenant-status';

@Injectable()
export class SessionService {
  constructor(
    private readonly db: DataSource,
    private readonly sessions: SessionRepository,
    private readonly accessTokens: AccessTokens,
  ) {}

  /**
   * Resolves to new tokens for the session that a refresh token belongs to. Throws `invalid_refresh_token`, `tenant_suspended`; a token that
   * was used before ends its session.
   */
  async refresh({ refresh_token }: Refresh): Promise<LoggedIn> {
    const ref = await this.sessions.find(refresh_token);
    const renewed =
      ref && (await withTenantId(this.db, ref.tenant_id, (tx) => this.renew(tx, ref.session_id, refresh_token)));
    if (renewed) return tokenResponse(this.accessTokens, renewed);
    throw new ProblemError('invalid_refresh_token');
  }

  /** Ends the session of a refresh token, living or used, if there is one. */
  async logout({ refresh_token }: Refresh): Promise<void> {
    const ref = await this.sessions.find(refresh_token);
    if (!ref) return;
    await withTenantId(this.db, ref.tenant_id, async (tx) => {
      const session = await this.sessions.lock(tx, ref.session_id);
      if (session) await this.end(tx, ref.session_id, session.user.id, 'session.revoked');
    });
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Session>> {
    const { user_id, session_id } = currentSession();
    const rows = await this.sessions.list(user_id, idAfter(cursor), limit + 1);
    const sessions = rows.map((row) => ({ ...row, is_current: row.id === session_id }));
    return toPage(sessions, limit, ({ id }) => [id]);
  }

  /** Throws `not_found` for what is no living session of the caller. */
  async revoke({ id }: ById): Promise<void> {
    const { user_id } = currentSession();
    await withTenant(this.db, async (tx) => {
      if (!(await this.end(tx, id, user_id, 'session.revoked'))) throw notFound('session');
    });
  }

  /** Resolves to nothing where the session is not to be used, so that what was written about it is kept. */
  private async renew(tx: Tx, session_id: string, token: string): Promise<OpenSession | undefined> {
    const session = await this.sessions.lock(tx, session_id);
    if (!session?.is_living) return undefined;
    const { user } = session;
    const next = exchange(session, token);
    if (next.kind === 'reused') {
      await this.end(tx, session_id, user.id, 'session.reuse_detected');
      return undefined;
    }
    if (!user.is_active) return undefined;
    assertTenantActive(session.tenant_status);
    if (next.kind === 'rotated') await this.sessions.rotate(tx, session_id, next.successor, next.salt);
    return { user, session_id, refresh_token: next.successor };
  }

  private async end(tx: Tx, id: string, user_id: string, action: string): Promise<boolean> {
    const ended = await this.sessions.revoke(tx, id, user_id);
    const actor = { type: 'user', id: user_id } as const;
    if (ended) await audit(tx, { action, target: { type: 'session', id }, actor });
    return ended;
  }
}
