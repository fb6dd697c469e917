import { readFileSync } from 'node:fs';
import { boundMethods, catalog, contract, type BoundMethod, type Contract } from '@taai/contracts';
import { currentContext, runInContext, type OncePerKey, type RequestContext } from '@taai/tenant';
import { UseGuards } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants';
import { isRepeatable, PendingCall } from '../client/pending-call';
import { someCaller } from '../fleet.testing';
import { Handles } from './handles';

const keyed: RequestContext = { request_id: 'r', caller: someCaller({ user_id: 'u' }), idempotency_key: 'k' };

interface Document {
  paths: Record<string, Record<string, { operationId: string; parameters: { name: string }[] }>>;
}

function documented(): string[] {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as Document;
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  const takesKey = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'Idempotency-Key'));
  return takesKey.map(({ operationId }) => operationId);
}

/** A handler of the contract whose methods tell by committing at once whether they were wrapped. */
function handlerOf(contract: Contract, wrapped: string[]): object {
  class Handler {
    [method: string]: () => Promise<never>;
  }
  for (const { rpc } of boundMethods(contract)) {
    const method = async () => {
      const once = currentContext()?.once;
      if (!once) return;
      once.transaction = 'committed';
      wrapped.push(rpc);
    };
    Reflect.defineProperty(Handler.prototype, rpc.slice(contract.name.length + 1), {
      value: method,
      configurable: true,
    });
  }
  Handles(contract)(Handler);
  return new Handler();
}

async function wrapped(): Promise<string[]> {
  const names: string[] = [];
  for (const contract of catalog) {
    const handler = handlerOf(contract, names);
    for (const { rpc } of boundMethods(contract)) {
      const method = Reflect.get(handler, rpc.slice(contract.name.length + 1)) as (input: object) => Promise<unknown>;
      await runInContext(keyed, () => method.call(handler, {}));
    }
  }
  return names;
}

/** Whether the transport repeats a call of the method, with a key or without. */
function repeats(bound: BoundMethod, idempotency_key?: string): boolean {
  const head = { id: '', caller: '', rpc: bound.rpc, deadline: 0, hops: 0, request_id: 'r', idempotency_key };
  const ignore = () => undefined;
  return isRepeatable(new PendingCall(bound, { ...head, token: undefined }, '{}', 1, ignore, ignore));
}

const byKey = (bound: BoundMethod) => repeats(bound, 'key') && !repeats(bound);

it('documents, wraps and repeats by key the same methods', async () => {
  const repeatable = catalog.flatMap(boundMethods).filter(byKey);
  const namesOf = (methods: BoundMethod[]) => methods.map(({ rpc }) => rpc).sort();
  const names = namesOf(repeatable);
  expect(names).not.toEqual([]);
  expect(documented().sort()).toEqual(namesOf(repeatable.filter(({ method }) => 'http' in method)));
  expect((await wrapped()).sort()).toEqual(names);
});

class Note {
  text: string;
}
const method = { summary: '', access: 'authenticated', input: Note, output: Note } as const;
const notes = contract('task', {
  create: { ...method, http: 'POST /notes', effect: 'once_per_key' },
  send: { ...method, http: 'POST /notes/send', effect: 'once' },
});

class Guard {
  canActivate = () => true;
}

@Handles(notes)
class NoteHandler {
  @UseGuards(Guard)
  async create(note: Note): Promise<Note> {
    const once = currentContext()?.once;
    if (once && note.text !== 'lazy') once.transaction = 'committed';
    return { text: JSON.stringify(once ?? null) };
  }

  async send(): Promise<Note> {
    return { text: JSON.stringify(currentContext()?.once ?? null) };
  }
}

describe('a method that is once per key', () => {
  const handler = new NoteHandler();
  const call = async (
    context: Partial<RequestContext>,
    name: 'create' | 'send' = 'create',
    text = 'a',
  ): Promise<OncePerKey | null> => {
    const note = await runInContext({ ...keyed, ...context }, () => handler[name]({ text }));
    return JSON.parse(note.text) as OncePerKey | null;
  };

  it('is told its key, whose it is, and what the request is made of', async () => {
    const of = (text: string) => call({}, 'create', text);
    const once = await of('a');
    expect(once).toMatchObject({ method: 'task.create', key: 'k', user_id: 'u' });
    expect(await of('a')).toEqual(once);
    expect((await of('b'))?.request_hash).not.toBe(once?.request_hash);
  });

  it.each<[string, Partial<RequestContext>]>([
    ['without a key', { idempotency_key: undefined }],
    ['without a user', { caller: someCaller() }],
  ])('is like any other %s', async (_, context) => {
    expect(await call(context)).toBeNull();
  });

  it('is the only one', async () => {
    expect(await call({}, 'send')).toBeNull();
  });

  it('fails when it had no transaction', async () => {
    await expect(call({}, 'create', 'lazy')).rejects.toThrow('task.create is once per key, and had no transaction.');
  });

  it('keeps what decorators wrote on it', () => {
    expect(Reflect.getMetadata(GUARDS_METADATA, Reflect.get(handler, 'create') as object)).toEqual([Guard]);
  });
});
