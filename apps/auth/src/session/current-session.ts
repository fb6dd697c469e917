import { ProblemError } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';

/** Returns the caller's user and session. Throws `forbidden` for a caller that has none. */
export function currentSession(): { user_id: string; session_id: string } {
  const { user_id, session_id } = currentCaller();
  if (!user_id || !session_id) throw new ProblemError('forbidden', 'The caller is no logged-in user.');
  return { user_id, session_id };
}
