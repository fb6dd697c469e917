const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** Reads JSON as it comes, by turns what stands outside of texts and the texts. It holds neither, and takes no notice of what is no JSON. */
export class JsonReader {
  /** Whether the opening quote of a text was the last thing read. */
  isInText = false;
  private readonly source: AsyncIterator<Buffer>;
  private chunk: Buffer = Buffer.alloc(0);
  private at = 0;
  /** Backslashes that the text's last piece ended with. */
  private backslashes = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** Leaves the source where it is: others may read on. */
  async leave(): Promise<void> {
    await this.source.return?.();
  }

  /** What stands before the next text, its opening quote included; all the rest, if none comes. */
  async *structure(): AsyncGenerator<Buffer> {
    while (!this.isInText && (await this.hasMore())) {
      const quote = this.chunk.indexOf(QUOTE, this.at);
      this.isInText = quote !== -1;
      yield this.take(quote === -1 ? this.chunk.length : quote + 1);
    }
  }

  /** What is left of the text, as it is written: who leaves off may go on. Its closing quote is read, and not told. */
  async *text(): AsyncGenerator<Buffer> {
    while (this.isInText && (await this.hasMore())) {
      const quote = this.closing();
      this.isInText = quote === -1;
      const piece = this.take(quote === -1 ? this.chunk.length : quote);
      if (this.isInText) this.backslashes = this.runBefore(this.chunk.length, this.chunk.length - piece.length);
      else [this.at, this.backslashes] = [quote + 1, 0];
      if (piece.length > 0) yield piece;
    }
  }

  private async hasMore(): Promise<boolean> {
    while (this.at === this.chunk.length) {
      const next = await this.source.next();
      if (next.done) return false;
      [this.chunk, this.at] = [next.value, 0];
    }
    return true;
  }

  private take(end: number): Buffer {
    const piece = this.chunk.subarray(this.at, end);
    this.at = end;
    return piece;
  }

  /** Where the chunk ends the text, or -1. */
  private closing(): number {
    let quote = this.chunk.indexOf(QUOTE, this.at);
    while (quote !== -1 && this.runBefore(quote, this.at) % 2 === 1) quote = this.chunk.indexOf(QUOTE, quote + 1);
    return quote;
  }

  /** How many backslashes stand before, those of the piece before included. */
  private runBefore(end: number, start: number): number {
    let first = end;
    while (first > start && this.chunk[first - 1] === BACKSLASH) first -= 1;
    return end - first + (first === start ? this.backslashes : 0);
  }
}
