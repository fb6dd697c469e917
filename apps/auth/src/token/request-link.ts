import { emit, type OneTimeTokenKind, type Tx } from '@taai/entities';
import type { OneTimeTokenRepository } from './one-time-token.repository';

/** Has a link mailed to the user, when the transaction commits; earlier links of the kind stop working. */
export async function requestLink(
  tx: Tx,
  tokens: OneTimeTokenRepository,
  user_id: string,
  kind: OneTimeTokenKind,
): Promise<void> {
  const token_id = await tokens.insert(tx, user_id, kind);
  await emit(tx, 'mail.requested', { token_id });
}
