import { ProblemError } from '@taai/contracts';
import { keys } from '../../redis/keys';
import { createRedis } from '../../redis/redis';
import { decodeControls, type Control } from '../wire/controls';
import type { RequestHead } from '../wire/envelope';
import type { Link } from '../wire/link';
import { ListReader } from '../wire/list-reader';
import { SteeredCall } from './steered-call';
import { Sweep } from '../wire/sweep';

const SWEEP_MS = 100;
/** A reader that grants nothing for so long is gone: it does so every second. */
const SILENCE_MS = 5000;
const ELEMENTS_PER_READ = 64;

export interface SteeringOptions {
  redisUrl: string;
  /** Names the replica's list. */
  replica: string;
  link: Link;
}

/**
 * The calls of a replica that their callers steer, and what the callers say about them. The list is read on a connection of
 * its own, which is opened for the first such call.
 */
export class Steering {
  private readonly calls = new Map<string, SteeredCall>();
  private reader: ListReader | undefined;
  private readonly sweep = new Sweep(SWEEP_MS, (now, runningSince) => this.checkAll(now, runningSince));

  constructor(private readonly options: SteeringOptions) {}

  /** Nothing if the request is being worked on already: it was pushed twice. */
  begin(head: RequestHead, isStream: boolean): SteeredCall | undefined {
    const key = keyOf(head.caller, head.id);
    if (this.calls.has(key)) return undefined;
    const call = new SteeredCall(head, isStream);
    this.calls.set(key, call);
    this.reader ??= this.read();
    this.sweep.start();
    return call;
  }

  end({ head }: SteeredCall): void {
    this.calls.delete(keyOf(head.caller, head.id));
  }

  /** The replica leaves: what has not ended is aborted. */
  abort(): void {
    for (const call of this.calls.values()) call.abort(new ProblemError('replica_lost'));
  }

  async close(): Promise<void> {
    const { link, replica } = this.options;
    this.sweep.stop();
    await this.reader?.stop(link);
    if (this.reader) await link.command((redis) => redis.del(keys.rpcControls(replica))).catch(() => undefined);
  }

  private read(): ListReader {
    const { redisUrl, replica } = this.options;
    const reader = new ListReader({
      redis: createRedis(redisUrl, { role: 'blocking', connectionName: `${replica}:controls`, watched: true }),
      list: keys.rpcControls(replica),
      room: () => ELEMENTS_PER_READ,
      take: (elements) => elements.forEach((element) => this.take(element)),
    });
    reader.start();
    return reader;
  }

  private take(element: string): void {
    const { caller, controls } = decodeControls(element);
    for (const control of controls) this.obey(keyOf(caller, control.id), control);
  }

  private obey(key: string, { credit }: Control): void {
    const call = this.calls.get(key);
    if (credit === undefined) call?.abort(new ProblemError('cancelled'));
    else call?.grant(credit);
  }

  private checkAll(now: number, runningSince: number): boolean {
    const evidence = Math.max(runningSince, this.reader?.listeningSince ?? now);
    for (const call of this.calls.values()) this.check(call, now, evidence);
    return this.calls.size > 0;
  }

  /** `evidence`: since when it would have been noticed had the caller said something. */
  private check(call: SteeredCall, now: number, evidence: number): void {
    if (this.options.link.clock.now() >= call.head.deadline) call.abort(new ProblemError('deadline_exceeded'));
    else if (call.isStream && now - Math.max(call.heardAt, evidence) > SILENCE_MS)
      call.abort(new ProblemError('cancelled'));
  }
}

const keyOf = (caller: string, id: string) => `${caller} ${id}`;
