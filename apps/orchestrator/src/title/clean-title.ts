import { limits } from '@taai/contracts';

/** What models of the open kind think before they answer, the whole of it or as far as it came. */
const THOUGHT = /<think>[^]*?(<\/think>|$)/g;
/** What no line shows, and what turns its direction. */
const CONTROL = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;
const LABEL = /^title\s*:\s*/i;
/** Markdown, quotes and what ends a sentence, around a title. */
const [BEFORE, AFTER] = [/^[\s#*_`"'“”„«»‘’]+/, /[\s*_`"'“”„«»‘’.:,;]+$/];

/** A title of what a model has answered: one line without quotes, of bounded length; null when nothing is left. */
export function cleanTitle(answer: string): string | null {
  const lines = answer.replaceAll(THOUGHT, '').split(/[\r\n\u2028\u2029]+/);
  const line = lines.map(bare).find((text) => text !== '') ?? '';
  return bare([...line.toWellFormed()].slice(0, limits.conversationTitleCharacters).join('')) || null;
}

const bare = (line: string): string => {
  const text = line.replaceAll(CONTROL, ' ').replaceAll(/\s+/g, ' ').replace(BEFORE, '');
  return text.replace(LABEL, '').replace(BEFORE, '').replace(AFTER, '');
};
