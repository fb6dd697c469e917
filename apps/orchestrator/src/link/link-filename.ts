import { limits } from '@taai/contracts';

const NAMELESS = 'attachment';
const QUOTED = /;\s*filename\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i;
/** As RFC 5987 writes what is not ASCII. */
const EXTENDED = /;\s*filename\*\s*=\s*utf-8'[^']*'([^\s;]+)/i;

/** What a fetched file is called: as its server says, else as the last part of its address. */
export function filenameOf(url: string, disposition: string | string[] | undefined): string {
  const header = String(disposition ?? '');
  const extended = decoded(EXTENDED.exec(header)?.[1]);
  const [, quoted, plain] = QUOTED.exec(header) ?? [];
  const last = URL.parse(url)?.pathname.split('/').at(-1);
  return [extended, quoted, plain, decoded(last)].map(clean).find((name) => name !== '') ?? NAMELESS;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The name alone, without folders and control characters. */
const clean = (name = ''): string =>
  (name.split(/[/\\]/).at(-1) ?? '')
    .replace(/\p{Cc}/gu, '')
    .slice(0, limits.filenameCharacters)
    .toWellFormed()
    .trim();
