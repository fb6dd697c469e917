import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyConfig, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { assertStorable, invalidField, limits, ProblemError } from '@taai/contracts';

/** How much more than its file a form is. */
const FRAME_BYTES = 64 * 1024;
const FILE = 'file';

const bounds: BusboyConfig['limits'] = {
  files: 1,
  fields: limits.formFields,
  parts: limits.formFields + 2,
  fieldNameSize: 100,
  fieldSize: limits.formFieldBytes,
  headerPairs: 20,
  headerSize: 8 * 1024,
};

/** The one file of a form, to be read to its end. */
export interface FilePart {
  filename: string;
  /** What the client says of it: nobody believes it. */
  declared_type: string;
  bytes: AsyncIterable<Buffer>;
}

/** A form (`multipart/form-data`) on its way in, of one part `file` and few fields. It is read as fast as its file is, and no faster. */
export class UploadForm {
  private readonly part = Promise.withResolvers<FilePart>();
  private readonly end = Promise.withResolvers<void>();
  private readonly values = new Map<string, string>();
  private readonly parser: BusboyInstance;
  private stream: BusboyFileStream | undefined;

  /**
   * @param most bytes of the file
   * @throws ProblemError `unsupported_media_type` for what is no form, `payload_too_large` for one that says so
   */
  constructor(
    private readonly request: IncomingMessage,
    most: number,
    signal: AbortSignal,
  ) {
    for (const { promise } of [this.part, this.end]) promise.catch(() => undefined);
    if (Number(request.headers['content-length'] ?? 0) > most + FRAME_BYTES) throw tooLarge();
    this.parser = parserOf(request, most);
    this.parser.on('file', (name, stream, filename, _encoding, type) => this.takeFile(name, stream, filename, type));
    this.parser.on('field', (name, value, isNameCut, isCut) => this.takeField(name, value, isNameCut || isCut));
    for (const limit of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const)
      this.parser.on(limit, () => this.fail(invalidField('', 'must be a form of one file and few fields')));
    this.parser.on('error', () => this.fail(new ProblemError('malformed_request', 'The form is cut off or broken.')));
    this.parser.on('finish', () => this.finish());
    signal.addEventListener('abort', () => this.fail(signal.reason));
    request.pipe(this.parser);
  }

  /** @throws ProblemError for a form without one */
  file(): Promise<FilePart> {
    return this.part.promise;
  }

  /** The fields, when the form has ended: those behind the file come after it. */
  async fields(): Promise<object> {
    await this.end.promise;
    const fields = Object.fromEntries(this.values);
    assertStorable(fields);
    return fields;
  }

  private takeFile(name: string, stream: BusboyFileStream, filename = FILE, declared_type = ''): void {
    stream.on('error', () => undefined);
    this.stream ??= stream;
    // Of a part without a name there is none.
    if (name !== FILE) return this.fail(invalidField(`${name}`, 'should not exist'));
    if (filename.length > limits.filenameCharacters || /\p{Cc}/u.test(filename))
      return this.fail(
        invalidField(
          FILE,
          `must have a name of at most ${limits.filenameCharacters} characters, none of them control characters`,
        ),
      );
    stream.on('limit', () => this.fail(tooLarge()));
    this.part.resolve({ filename: filename.toWellFormed(), declared_type, bytes: stream });
  }

  private takeField(name: string, value: string, isCut: boolean): void {
    if (isCut) return this.fail(invalidField(name, `must have at most ${limits.formFieldBytes} bytes`));
    if (this.values.has(name)) return this.fail(invalidField(name, 'must be given once'));
    this.values.set(name, value);
  }

  private finish(): void {
    if (!this.stream) return this.fail(invalidField(FILE, 'must be present'));
    this.end.resolve();
  }

  /** What is still to come is read and forgotten: a client that sends hears nothing. */
  private fail(reason: unknown): void {
    this.request.unpipe(this.parser);
    this.request.resume();
    this.part.reject(reason);
    this.end.reject(reason);
    this.stream?.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  }
}

function parserOf({ headers }: IncomingMessage, most: number): BusboyInstance {
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type) || headers['content-encoding'] !== undefined)
    throw new ProblemError('unsupported_media_type', 'A file is sent as a form (multipart/form-data), as it is.');
  try {
    return new Busboy({ headers: { ...headers, 'content-type': type }, limits: { ...bounds, fileSize: most } });
  } catch {
    throw new ProblemError('malformed_request', 'The form has no boundary.');
  }
}

const tooLarge = () => new ProblemError('payload_too_large', 'The file is larger than files may be.');
