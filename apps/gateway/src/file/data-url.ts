import { invalidField } from '@taai/contracts';

/** Before the comma there is a type, and what follows is base64. */
const HEAD = /^data:([^,]{0,300}?);\s*base64\s*,/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** An escape of JSON that has not come to its end. */
const CUT = /\\(?:u[0-9a-f]{0,3})?$/i;

/** Whose field it is, `AttachmentIntake` says. */
const malformed = () => invalidField('url', 'must be a data URL in base64');

/** The type that a data URL says, and where its data begins. */
export function readHead(text: string): { declared_type: string; start: number } {
  const [head, declared_type = ''] = HEAD.exec(text) ?? [];
  if (head === undefined) throw malformed();
  return { declared_type, start: head.length };
}

/** Bytes of base64 that comes in pieces. Padding may be missing; nothing else. */
export async function* decodeBase64(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let [rest, isOver] = ['', false];
  for await (const piece of pieces) {
    const text = rest + piece;
    if (text === '') continue;
    if (isOver || !BASE64.test(text)) throw malformed();
    const whole = text.length - (text.length % 4);
    isOver = whole > 0 && text[whole - 1] === '=';
    rest = text.slice(whole);
    if (whole > 0) yield Buffer.from(text.slice(0, whole), 'base64');
  }
  if (rest.length === 1 || (rest !== '' && isOver)) throw malformed();
  if (rest !== '') yield Buffer.from(rest, 'base64');
}

/** What a text of JSON says, as it comes: many a library escapes slashes, others the plus. */
export async function* unescaped(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let rest = '';
  for await (const piece of pieces) {
    const text = rest + piece.toString('latin1');
    const end = CUT.exec(text)?.index ?? text.length;
    rest = text.slice(end);
    yield unescape(text.slice(0, end));
  }
  if (rest !== '') throw malformed();
}

function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    throw malformed();
  }
}
