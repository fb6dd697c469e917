import { invalidField, limits } from '@taai/contracts';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/** What costs time is the number of values, not their length: a body pays for its values by its size. */
const CHARACTERS_PER_VALUE = 12;

/** An object or list whose end has not come. */
interface Open {
  isObject: boolean;
  /** Commas within it so far. */
  commas: number;
}

/**
 * Refuses JSON of too many keys, items or levels before anything is made of it: reading it costs many times what looking for its commas
 * does, and keys that are given twice show in its text alone. It takes for granted nothing of the text: what is no JSON, the parser refuses.
 */
export function assertModest(json: string, values: number): void {
  const most = Math.min(values, limits.sparseBodyValues + Math.floor(json.length / CHARACTERS_PER_VALUE));
  const open: Open[] = [];
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfText(json, at);
    else if (code === OPEN_OBJECT || code === OPEN_LIST) open.push({ isObject: code === OPEN_OBJECT, commas: 0 });
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) open.pop();
    if (code !== COMMA && code !== OPEN_OBJECT && code !== OPEN_LIST) continue;
    count += 1;
    if (count > most) throw invalidField('', `has more than ${most} keys and items`);
    if (open.length > limits.jsonLevels) throw invalidField('', `is nested deeper than ${limits.jsonLevels} levels`);
    if (code === COMMA) assertRoom(open.at(-1));
  }
}

function assertRoom(around: Open | undefined): void {
  if (!around) return;
  around.commas += 1;
  if (around.isObject && around.commas >= limits.objectKeys)
    throw invalidField('', `has an object of more than ${limits.objectKeys} keys`);
}

/** Where the text that begins at `start` ends; the JSON's end, if it does not. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, quote: number): boolean {
  let first = quote;
  while (json.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}
