/** Outputs that may be in flight to the reader or wait for it. */
const WINDOW = 64;

/** Buffers the outputs of a stream that its reader has not taken yet: in order, each once, 64 at most. The replica sends no more than is granted here. */
export class ReceiveWindow {
  /** The number of the last output that the replica may send. Numbers begin at 1. */
  credit = WINDOW;
  private readonly ready: string[] = [];
  private readonly early = new Map<number, string>();
  private received = 0;
  private taken = 0;
  private last = Infinity;
  private failure: { reason: unknown } | undefined;
  private wake: (() => void) | undefined;

  /** @param onCredit Called when the reader has made room, so that `credit` has grown. */
  constructor(private readonly onCredit: () => void) {}

  /** Whether everything up to the end was received. */
  get complete(): boolean {
    return this.received === this.last;
  }

  /** The number of an output that has not come, though its successors or the end have; undefined when none is missing. */
  get missing(): number | undefined {
    const isMissing = this.early.size > 0 || (this.last !== Infinity && !this.complete);
    return isMissing ? this.received + 1 : undefined;
  }

  /** Takes an output in. After a reconnection outputs may come twice or out of order. */
  accept(number: number, json: string): void {
    if (number <= this.received || number > this.credit) return;
    this.early.set(number, json);
    this.advance();
  }

  /** Notes that the stream ends with the output of this number. */
  end(last: number): void {
    this.last = last;
    this.advance();
  }

  /** Makes `take` throw the reason, after the outputs that came before. */
  fail(reason: unknown): void {
    this.failure = { reason };
    this.wake?.();
  }

  /** Resolves to the next output as JSON, or to undefined at the end. */
  async take(): Promise<string | undefined> {
    while (this.ready.length === 0 && !this.complete) {
      if (this.failure) throw this.failure.reason;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const json = this.ready.shift();
    if (json !== undefined) this.extend(++this.taken);
    return json;
  }

  private advance(): void {
    for (let json; (json = this.early.get(this.received + 1)) !== undefined;) {
      this.early.delete(++this.received);
      this.ready.push(json);
    }
    this.wake?.();
  }

  private extend(taken: number): void {
    if (this.credit - taken > WINDOW / 2) return;
    this.credit = taken + WINDOW;
    this.onCredit();
  }
}
