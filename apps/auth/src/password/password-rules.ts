import { invalidField, limits } from '@taai/contracts';
import { dictionary } from '@zxcvbn-ts/language-common';
import { canonicalEmail } from '../registration/email';

/** The commonest passwords of known leaks, in lower case; shorter ones are refused for their length. */
const common = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= limits.minPasswordCharacters),
);

/** Returns what is wrong with a password that somebody chooses; undefined if nothing is. The contract checks its length. */
function faultOf(password: string, email: string): string | undefined {
  const plain = password.normalize('NFKC').trim().toLowerCase();
  if (common.has(plain)) return 'is among the most common passwords';
  const address = canonicalEmail(email);
  if (plain === address || plain === address.split('@')[0]) return 'is the e-mail address';
  return undefined;
}

/** Throws `validation_failed` for a password that would be among the first guesses. `path` is its field in the input. */
export function assertGoodPassword(password: string, email: string, path: string): void {
  const message = faultOf(password, email);
  if (message) throw invalidField(path, message);
}
