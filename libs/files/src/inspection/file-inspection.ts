import { createHash } from 'node:crypto';
import { invalidField, limits, type FileType, type InspectedFile } from '@taai/contracts';
import { assertHonest, TEXT, TextCheck, typeOf, TYPE_BYTES, type FileClaims } from './file-type';
import { sizeReaders, type ImageSize } from './image-size';

/** In which an image must tell its size: the metadata of a photograph come before it. */
const HEAD_BYTES = 1024 * 1024;

/** Looks at a file on its way to the store: its first bytes tell the type, the header of an image its size. Nothing is unpacked. */
export class FileInspection {
  private readonly hash = createHash('sha256');
  private readonly text = new TextCheck();
  private type: FileType | undefined;
  private bytes = 0;

  /** @param claims what the file is said to be */
  constructor(private readonly claims: FileClaims) {}

  /**
   * The same bytes. The first ones are kept back until they have told what there is to tell.
   *
   * @throws ProblemError `unsupported_media_type`, and `validation_failed` for an empty file or an image that is too large
   */
  async *pass(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let head: Buffer | null = Buffer.alloc(0);
    for await (const chunk of source) {
      this.hash.update(chunk);
      this.bytes += chunk.length;
      if (head) {
        head = Buffer.concat([head, chunk]);
        if (!this.tells(head, false)) continue;
        yield head;
        head = null;
      } else {
        if (this.type === TEXT) this.text.read(chunk);
        yield chunk;
      }
    }
    if (head) {
      this.tells(head, true);
      yield head;
    }
    if (this.type === TEXT) this.text.read(Buffer.alloc(0), true);
  }

  /** Of a file that has passed. */
  result(): InspectedFile {
    if (!this.type) throw new Error('The file has not passed.');
    return { content_type: this.type, bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  /** Whether the beginning of the file has told all; at its end it must have. */
  private tells(head: Buffer, isWhole: boolean): boolean {
    if (isWhole && head.length === 0) throw invalidField('file', 'must not be empty');
    if (!isWhole && head.length < TYPE_BYTES) return false;
    const type = typeOf(head);
    assertHonest(type, this.claims);
    const size = sizeReaders[type]?.(head);
    if (size === 'more' && !isWhole && head.length < HEAD_BYTES) return false;
    if (size !== undefined) assertModest(size);
    if (type === TEXT) this.text.read(head);
    this.type = type;
    return true;
  }
}

/** An image of a few bytes may unpack to gigabytes: so the size is bounded that it has then. */
function assertModest(size: ImageSize | 'more' | null): void {
  if (size === 'more' || size === null || size.width === 0 || size.height === 0)
    throw invalidField('file', 'must be an image that tells its size');
  if (Math.max(size.width, size.height) > limits.imageSidePixels || size.width * size.height > limits.imagePixels)
    throw invalidField(
      'file',
      `must be an image of no more than ${limits.imagePixels} pixels, ${limits.imageSidePixels} a side`,
    );
}
