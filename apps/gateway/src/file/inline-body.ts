import { invalidField, ProblemError } from '@taai/contracts';
import { drain } from './drain';
import { JsonReader } from './json-reader';

/** A shorter text may stay where it is. */
const LONG_BYTES = 4096;
/** Of whitespace around a colon, and more than anybody writes. */
const GAP_BYTES = 100;
/** Fields that files come in: our own, OpenAI's, the AI SDK's and AG-UI's. */
const FIELDS = new Set(['url', 'file_data', 'value', 'data']);
/** Data URLs, and base64 alone. */
const FILE = /^(data:|[A-Za-z0-9+/\\]{1000})/i;

export interface InlineBounds {
  /** Bytes without the files. */
  json: number;
  texts: number;
  files: number;
}

/**
 * Reads a body of JSON as it comes, and has the files taken that are in it as long texts. Each leaves something short in its place, so that
 * the rest is an ordinary body.
 */
export class InlineBody {
  private readonly kept: Buffer[] = [];
  private size = 0;
  private texts = 0;
  private files = 0;

  /** @param take keeps the file whose text this is, of which it need not read all, and says what stands for it */
  constructor(
    private readonly reader: JsonReader,
    private readonly bounds: InlineBounds,
    private readonly take: (text: AsyncIterable<Buffer>) => Promise<string>,
  ) {}

  /** Throws `payload_too_large` and `validation_failed` for more than is allowed, and what the source throws. */
  async read(): Promise<Buffer> {
    for (let text = ''; ;) {
      const gap = await this.structure();
      if (!this.reader.isInText) break;
      text = await this.text(/^\s*:\s*"$/.test(gap) ? text : '');
      if (this.reader.isInText) break;
    }
    return Buffer.concat(this.kept);
  }

  /** What stands between two texts, its beginning at least. */
  private async structure(): Promise<string> {
    let gap = '';
    for await (const piece of this.reader.structure()) {
      this.keep(piece);
      if (gap.length < GAP_BYTES) gap += piece.toString('latin1', 0, GAP_BYTES);
    }
    return gap;
  }

  /** Reads the text that has begun, the value of the field if there is one. Resolves to it, if it is short. */
  private async text(field: string): Promise<string> {
    this.texts += 1;
    if (this.texts > this.bounds.texts) throw invalidField('', `has more than ${this.bounds.texts} texts`);
    const head = await this.head();
    if (head.length >= LONG_BYTES && FIELDS.has(field) && FILE.test(head.toString('latin1', 0, LONG_BYTES))) {
      await this.file(head);
    } else {
      this.keep(head);
      for await (const piece of this.reader.text()) this.keep(piece);
    }
    if (!this.reader.isInText) this.keep(Buffer.from('"'));
    return head.length < GAP_BYTES ? head.toString('latin1') : '';
  }

  private async head(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of this.reader.text()) {
      pieces.push(piece);
      length += piece.length;
      if (length >= LONG_BYTES) break;
    }
    return Buffer.concat(pieces);
  }

  private async file(head: Buffer): Promise<void> {
    this.files += 1;
    if (this.files > this.bounds.files) throw invalidField('', `has more than ${this.bounds.files} files`);
    this.keep(Buffer.from(await this.take(behind(head, this.reader.text()))));
    await drain(this.reader.text());
  }

  private keep(piece: Buffer): void {
    this.size += piece.length;
    if (this.size > this.bounds.json) throw new ProblemError('payload_too_large');
    this.kept.push(piece);
  }
}

async function* behind(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}
