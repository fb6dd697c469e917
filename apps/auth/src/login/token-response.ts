import { limits, type LoggedIn, type User } from '@taai/contracts';
import type { AccessTokens } from '../access/access-token';

/** A session that was opened or refreshed. */
export interface OpenSession {
  user: User;
  session_id: string;
  refresh_token: string;
}

/** Signs an access token for the session. Resolves to what login and refresh answer. */
export async function tokenResponse(
  tokens: AccessTokens,
  { user, session_id: sid, refresh_token }: OpenSession,
): Promise<LoggedIn> {
  const { id: sub, tenant_id, role } = user;
  return {
    access_token: await tokens.sign({ sub, tenant_id, role, sid }),
    token_type: 'Bearer',
    expires_in: limits.accessTokenSeconds,
    refresh_token,
    user,
  };
}
