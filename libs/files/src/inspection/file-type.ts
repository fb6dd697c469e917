import { ProblemError, type FileType } from '@taai/contracts';

/** Bytes by which every type is told. */
export const TYPE_BYTES = 12;

export const TEXT: FileType = 'text/plain; charset=utf-8';

const signatures: readonly (readonly [FileType, RegExp])[] = [
  // eslint-disable-next-line no-control-regex
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF....WEBP/s],
  ['application/pdf', /^%PDF-\d/],
];

/** What the first bytes tell; what is none of the others is taken for text, and must prove to be some. */
export function typeOf(head: Buffer): FileType {
  const text = head.toString('latin1', 0, TYPE_BYTES);
  return signatures.find(([, signature]) => signature.test(text))?.[0] ?? TEXT;
}

const BINARY_NAME = /\.(png|jpe?g|gif|webp|pdf)$/i;
const BINARY_TYPE = /^(image\/|application\/pdf)/i;

/** What a file is said to be. */
export interface FileClaims {
  filename: string;
  declared_type: string;
}

/** Refuses a text that gives itself out to be an image or a PDF. */
export function assertHonest(type: FileType, { filename, declared_type }: FileClaims): void {
  if (type === TEXT && (BINARY_NAME.test(filename) || BINARY_TYPE.test(declared_type)))
    throw new ProblemError('unsupported_media_type', 'The file is not of the type that its name or its part says.');
}

/** Control characters that no text has, tabs, ends of lines and terminals' colours aside. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/;

/** Passes a text on, piece by piece, as long as it is one. */
export class TextCheck {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });

  /** @throws ProblemError `unsupported_media_type` for what is no UTF-8, or no text */
  read(bytes: Buffer, isLast = false): void {
    if (CONTROL.test(this.decoded(bytes, !isLast))) throw noText();
  }

  private decoded(bytes: Buffer, stream: boolean): string {
    try {
      return this.decoder.decode(bytes, { stream });
    } catch {
      throw noText();
    }
  }
}

const noText = () =>
  new ProblemError('unsupported_media_type', 'A file is a PNG, JPEG, GIF or WebP image, a PDF, or text in UTF-8.');
