/** A call of a tool that the model is told to make. */
export interface ScriptedCall {
  name: string;
  arguments: string;
}

const limits = {
  tokens: [1, 100_000],
  delay: [0, 60_000],
  slow: [0, 600_000],
  reason: [0, 100_000],
  cached: [0, 10_000_000],
  fail: [400, 599],
  retry_after: [0, 86_400],
  fail_times: [0, 1_000],
  cut: [0, 100_000],
  hang: [0, 100_000],
  garbage: [0, 100_000],
  html: [0, 0],
  endless: [0, 0],
} as const;

type Name = keyof typeof limits;

/**
 * What steers one answer, for tests: `[[tokens=50 delay=20]]` in the last user message or in the model's name.
 *
 * The answer:
 * - `tokens=N`: it has N tokens
 * - `delay=MS`: before each token, 15 by default; `slow=MS`: before anything is sent
 * - `reason=N`: N tokens of reasoning come first; `cached=N`: N tokens of the prompt came from a cache; `usage=none`: no usage is told
 * - `tool=NAME:{…}`: a call of the tool NAME with these arguments, `{}` if there are none. What does not look like a JSON object goes as it
 *   stands, up to the end of the block. Several make parallel calls; those after a `step` are made when the results of those before are in
 *   the conversation. Calls of tools that the request does not offer are left out. After the last step the answer quotes the results.
 *
 * Faults:
 * - `fail=STATUS`: an HTTP error instead of an answer, with `retry_after=SECONDS` as its header; `fail_times=N`: the first N calls of this
 *   text alone, with 500 if no `fail` says otherwise
 * - `cut=N`: the socket is destroyed after N tokens
 * - `hang` or `hang=N`: nothing more comes after N tokens; the connection stays open
 * - `html`: a page with status 200
 * - `garbage` or `garbage=N`: what comes after N tokens is not JSON
 * - `endless`: the answer never ends
 */
export interface Directives extends Partial<Record<Name, number>> {
  delay: number;
  usage?: 'none';
  steps: ScriptedCall[][];
}

interface Block {
  start: number;
  end: number;
  items: (string | ScriptedCall)[];
}

/**
 * Later ones win; the steps of all texts follow one another.
 *
 * @throws RangeError for a directive that does not exist or a value out of bounds
 */
export function readDirectives(...texts: string[]): Directives {
  const directives: Directives = { delay: 15, steps: [[]] };
  for (const item of texts.flatMap(readBlocks).flatMap(({ items }) => items)) {
    if (typeof item === 'object') directives.steps.at(-1)?.push(item);
    else if (item === 'step') directives.steps.push([]);
    else if (item === 'usage=none') directives.usage = 'none';
    else readNumber(directives, item);
  }
  return directives;
}

export function withoutDirectives(text: string): string {
  let rest = '';
  let from = 0;
  for (const { start, end } of readBlocks(text)) {
    rest += text.slice(from, start);
    from = end;
  }
  return (rest + text.slice(from)).trim();
}

function readNumber(directives: Directives, word: string): void {
  const [name = '', value = '0'] = word.split('=');
  if (!isName(name)) throw new RangeError(`There is no directive "${name}".`);
  const [least, most] = limits[name];
  if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
    throw new RangeError(`The directive ${name} takes a whole number from ${least} to ${most}.`);
  directives[name] = Number(value);
}

function readBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  // Whatever opens after this is never closed.
  const last = text.lastIndexOf(']]');
  let start = text.indexOf('[[');
  while (start >= 0 && start < last) {
    const block = readBlock(text, start);
    if (block) blocks.push(block);
    start = text.indexOf('[[', block?.end ?? start + 1);
  }
  return blocks;
}

/** Brackets that are no directives, such as a matrix, are none. */
function readBlock(text: string, start: number): Block | undefined {
  const items: Block['items'] = [];
  let at = start + 2;
  for (;;) {
    at += match(/\s*/y, text, at)?.[0].length ?? 0;
    if (text.startsWith(']]', at)) return { start, end: at + 2, items };
    const tool = match(/tool=([\w.-]{1,64}):?/y, text, at);
    const word = tool ?? match(/[^\s[\]]{1,100}/y, text, at);
    if (!word) return undefined;
    at += word[0].length;
    if (!tool) {
      items.push(word[0]);
      continue;
    }
    const end = endOfArguments(text, at);
    if (end < 0) return undefined;
    items.push({ name: tool[1] ?? '', arguments: text.slice(at, end).trim() || '{}' });
    at = end;
  }
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function endOfArguments(text: string, start: number): number {
  if (/\s/.test(text[start] ?? '')) return start;
  return endOfObject(text, start) ?? text.indexOf(']]', start);
}

/** Where the JSON object ends that starts here: its own brackets do not end the block. */
function endOfObject(text: string, start: number): number | undefined {
  if (text[start] !== '{') return undefined;
  const open: string[] = [];
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{') open.push('}');
    else if (token === '[') open.push(']');
    else if (!token.startsWith('"') && open.pop() !== token) return undefined;
    if (open.length === 0) return start + index + 1;
  }
  return undefined;
}

const isName = (name: string): name is Name => Object.hasOwn(limits, name);
