import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from '../../scripts/lib/run.ts';
import { Crowd } from './crowd.ts';
import type { Answered, CrowdReply, CrowdTask } from './crowd-task.ts';

/** Processes that clients are spread over, each with an address of its own: whatever they cost is not the server's. */
const ADDRESSES = ['127.0.0.2', '127.0.0.3'];

export interface Place {
  url: string;
  token: string;
}

/** All clients of the benchmark, in processes of their own. */
export class Crowds {
  private constructor(private readonly children: readonly ChildProcess[]) {}

  /** @param program What `serveCrowd` is called in when BENCH_CROWD is set. */
  static async start(scope: Scope, program: string): Promise<Crowds> {
    const children = ADDRESSES.map((address) => fork(program, { env: { ...process.env, BENCH_CROWD: address } }));
    await scope.defer(async () => children.forEach((child) => child.kill()));
    await Promise.all(children.map((child) => once(child, 'message')));
    return new Crowds(children);
  }

  /** Connects one client for each id, into the conversation of that id. */
  async connect({ url, token }: Place, ids: readonly string[]): Promise<void> {
    await this.all(ids, (some) => ({ do: 'connect', url, token, ids: some }));
  }

  /** Has a message answered in each conversation, all at once. Resolves to what each client was given: every token, in order, once. */
  answer(ids: readonly string[], tokens: number): Promise<Answered> {
    return this.all(ids, (some) => ({ do: 'answer', ids: some, tokens }));
  }

  async leave(): Promise<void> {
    await Promise.all(this.children.map((child) => ask(child, { do: 'leave' })));
  }

  /** The clients of one conversation are in one process. */
  private async all(ids: readonly string[], taskFor: (some: string[]) => CrowdTask): Promise<Answered> {
    const tasks = this.children.map((child, index) => {
      const some = ids.filter((id) => placeOf(id) % this.children.length === index);
      return ask(child, taskFor(some));
    });
    return (await Promise.all(tasks)).flat();
  }
}

const placeOf = (id: string) => Number.parseInt(id.slice(-1), 16);

async function ask(child: ChildProcess, task: CrowdTask): Promise<Answered> {
  child.send(task);
  const [{ answered = [], error }] = (await once(child, 'message')) as [CrowdReply];
  if (error !== undefined) throw new Error(error);
  return answered;
}

/** Does what the parent says, with clients that connect from `address`. */
export function serveCrowd(address: string): void {
  const crowd = new Crowd(address);
  process.on('message', (task: CrowdTask) => {
    crowd.perform(task).then(
      (answered) => process.send?.({ ...(answered && { answered }) }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
}
