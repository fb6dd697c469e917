import { keys } from '../../redis/keys';
import { encodeControl, encodeControls, type Control } from '../wire/controls';
import type { Link } from '../wire/link';
import { TickBuffer } from '../wire/tick-buffer';

/** Elements that may wait for a replica; one that does not read them is gone. */
const MAX_WAITING = 1000;
const LIST_TTL_MS = 60_000;

/**
 * Writes grants and cancellations into the control lists of replicas. Nothing is kept for later or sent again: a grant is repeated
 * every second, and a cancellation whenever the replica's heartbeat names the call.
 */
export class ControlWriter {
  private readonly buffer: TickBuffer<string>;

  constructor(
    private readonly link: Link,
    private readonly caller: string,
  ) {
    const write = (list: string, lines: string[]) => void this.push(list, lines);
    this.buffer = new TickBuffer({ link, sizeOf: (line) => line.length, write });
  }

  send(replica: string, control: Control): void {
    if (this.link.ready) this.buffer.add(keys.rpcControls(replica), encodeControl(control));
  }

  private async push(list: string, lines: string[]): Promise<void> {
    await this.link.push(list, MAX_WAITING, LIST_TTL_MS, [encodeControls(this.caller, lines)]).catch(() => undefined);
  }
}
