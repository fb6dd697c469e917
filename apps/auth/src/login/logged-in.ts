import { limits, type LoggedIn, type User } from '@taai/contracts';
import type { AccessTokens } from '../access/access-token';

/** A session that was opened, or whose tokens were renewed. */
export interface OpenSession {
  user: User;
  session_id: string;
  refresh_token: string;
}

/** The answer that gives a client a session's tokens. */
export async function loggedIn(
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
