import { randomUUID } from 'node:crypto';
import { Client } from './client.ts';
import type { Answered, CrowdTask } from './crowd-task.ts';
import { askFor, now, readDeliveries } from './tokens.ts';

/** Sockets that connect at once, and messages that are sent at once. */
const AT_ONCE = 10;
const TOKEN_MS = 20;
/** For everything but the tokens. */
const DEADLINE_MS = 60_000;

/** The clients of one process, by the conversation that they are in. */
export class Crowd {
  private readonly clients = new Map<string, Client[]>();

  /** @param from The address that they connect from. */
  constructor(private readonly from: string) {}

  perform(task: CrowdTask): Promise<Answered | undefined> {
    if (task.do === 'connect') return this.connect(task);
    if (task.do === 'answer') return this.answer(task);
    for (const client of [...this.clients.values()].flat()) client.close();
    this.clients.clear();
    return Promise.resolve(undefined);
  }

  /** One client for each id. */
  private async connect({ url, token, ids }: CrowdTask & { do: 'connect' }): Promise<undefined> {
    await forEach(ids, async (id) => {
      const client = await Client.connect(url, token, this.from);
      await client.ask('conversation:join', { conversation_id: id });
      this.clients.set(id, [...(this.clients.get(id) ?? []), client]);
    });
  }

  /** Has a message answered in each conversation, all at once. Resolves to what the clients of each were given. */
  private async answer({ ids, tokens }: CrowdTask & { do: 'answer' }): Promise<Answered> {
    const given = ids.flatMap((id) => this.clients.get(id) ?? []).map((client) => untilCompleted(client, tokens));
    const sent = forEach(ids, async (id) => {
      const message = { conversation_id: id, content: askFor(tokens), idempotency_key: randomUUID() };
      await this.clients.get(id)?.[0]?.ask('message:send', message);
    });
    const [, ...all] = await Promise.all([sent, ...given]);
    return all.map((events) => readDeliveries(events, tokens));
  }
}

async function forEach(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  const left = ids.values();
  const workSome = async () => {
    for (const id of left) await work(id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workSome));
}

/** What a client is given until the end of the run. It is read only then: meanwhile others are measured. */
function untilCompleted(client: Client, tokens: number): Promise<{ at: number; payload: string }[]> {
  const events: { at: number; payload: string }[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<typeof events>();
  const late = new Error('A client was not given the end of a run.');
  const timer = setTimeout(() => reject(late), 3 * tokens * TOKEN_MS + DEADLINE_MS);
  client.onEvent = (payload) => {
    events.push({ at: now(), payload });
    if (payload.includes('"type":"run.completed"')) resolve(events);
    else if (payload.includes('"type":"run.failed"')) reject(new Error(payload));
  };
  return promise.finally(() => clearTimeout(timer));
}
