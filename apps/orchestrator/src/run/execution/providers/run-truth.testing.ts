import type { RunEvent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { compose } from '../../../../../../scripts/sandbox/answer';
import type { Call } from '../../../../../../scripts/sandbox/calls';
import { readDirectives } from '../../../../../../scripts/sandbox/directives';
import { loadTokenizer } from '../../../../../../scripts/sandbox/tokens';
import { providerCalls, type Stage } from '../../../replica.testing';

/**
 * How far a count of ours may be from the sandbox's, which counts by OpenAI's vocabulary, where the vendor told none. English text is cut
 * alike by the vocabularies of all families; other text is not.
 */
export const TOLERANCE = 0.05;

/** English, in which the vendors' tokenizers come nearest to each other. */
export const PROSE =
  'The river rises in the hills to the north of the town, runs through wide fields of wheat and barley, and reaches the sea after two ' +
  'hundred miles. In spring it often floods the lower meadows, so the farmers built their houses on the higher ground. Every summer ' +
  'visitors come from the city to walk along its banks, to fish, and to sit in the shade of the old trees.';

let asked = 0;

/** Something that is asked once; the mark in it finds the sandbox's calls. */
export function ask(directives: string) {
  const mark = `Question ${(asked += 1)}: `;
  return { mark, input: `${mark}what is this about? ${PROSE} [[delay=0 ${directives}]]` };
}

/** What the model is heard to say. */
export const textOf = (events: readonly RunEvent[]): string =>
  events.map(({ type, data }) => (type === 'token' ? data.text : '')).join('');

/** The tokens of the sandbox's answer to `input`, one string each. */
export async function piecesOf(input: string): Promise<string[]> {
  const messages = [{ role: 'user' as const, content: input }];
  const request = { model: 'sandbox-1', messages, tools: [], tool_choice: 'auto' as const };
  const more = { stream: true, include_usage: true, max_tokens: Infinity };
  const { pieces } = compose({ ...request, ...more }, readDirectives(input), await loadTokenizer(), 'x');
  return pieces.flatMap((piece) => (piece.type === 'text' ? [piece.text] : []));
}

/** What the sandbox saw of the one call whose input has `mark` in it. */
export async function truthOf(stage: Stage, mark: string): Promise<Call> {
  const [call, ...others] = await providerCalls(stage, mark);
  if (!call || others.length > 0) throw new Error(`${others.length + (call ? 1 : 0)} calls were made, not one.`);
  return call;
}

/** The same, once the client has closed that call's socket. */
export async function abortedCall(stage: Stage, mark: string): Promise<Call> {
  await until(async () => (await truthOf(stage, mark)).aborted);
  return truthOf(stage, mark);
}

/** Asserts that a count is that near to the truth; `tolerance` is a share of it. */
export function expectNear(count: number | null | undefined, truth: number, tolerance: number): void {
  expect(count).toBeGreaterThanOrEqual(truth * (1 - tolerance));
  expect(count).toBeLessThanOrEqual(truth * (1 + tolerance));
}
