import { invalidField } from '@taai/contracts';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** Who chooses a password: what the first guesses are made of. */
interface Owner {
  email: string;
  tenant_name: string;
}

/** The estimate takes time by the square of the length, some 3 ms at this many UTF-16 units: what follows them is not looked at. */
const JUDGED_CHARACTERS = 48;

/** Of zxcvbn's scores from 0 to 4: the first one takes at least a million guesses, over which the limits on log-ins draw years. */
const LEAST_SCORE = 2;

const TOO_EASY =
  'is too easy to guess: avoid common passwords, repetitions, sequences, dates, the e-mail address and the name of the tenant';

/** Readings of a password with its digits and signs taken for letters. The library's 100 cost ten times as much, and find little more. */
const READINGS = 10;

const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, l33tMaxSubstitutions: READINGS });

/** Throws `validation_failed` for a password that would be among the first guesses. `path` is its field in the input. */
export function assertGoodPassword(password: string, owner: Owner, path: string): void {
  const judged = password.normalize('NFKC').trim().slice(0, JUDGED_CHARACTERS);
  if (estimator.check(judged, wordsOf(owner)).score < LEAST_SCORE) throw invalidField(path, TOO_EASY);
}

/** Returns the owner's address and tenant name, whole and word by word, as far as passwords are looked at. */
function wordsOf({ email, tenant_name }: Owner): string[] {
  const texts = [email, ...email.split('@'), tenant_name];
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  return words.filter((word) => word !== '').map((word) => word.slice(0, JUDGED_CHARACTERS));
}
