import { getEventListeners, once } from 'node:events';
import { ProblemError, type ConversationEvent, type Message, type NewMessages, type RunEvent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { ConversationReading } from './conversation-reading';
import { ConversationTail } from './conversation-tail';

const message = (id: string, role: string, run_id: string | null): Message => ({
  id,
  conversation_id: 'c',
  parent_message_id: null,
  attachments: [],
  role,
  content: id,
  run_id,
  user_id: null,
  created_at: '',
});

const token = (id: number): RunEvent => ({ id, type: 'token', data: { text: `${id}` } });
const end = (id: number): RunEvent => ({ id, type: 'run.completed', data: { output: null } });

/** Messages by their place, events by run and place. */
const names = (events: readonly ConversationEvent[]) =>
  events.map((event) => {
    if (event.type === 'conversation.updated') return `title ${event.data.title}`;
    return event.type === 'run.event' ? `${event.data.run_id}${event.data.id}` : event.id;
  });

describe('the reading of a conversation', () => {
  let messages: Message[];
  let runs: Record<string, AsyncIterable<RunEvent>>;
  let begun: string[];
  let regenerated: string[];
  let asked: number;
  let failure: Error | undefined;
  let title: string | null | undefined;
  let tail: ConversationTail;
  let control: AbortController;

  beforeEach(() => {
    messages = [];
    runs = {};
    begun = [];
    regenerated = [];
    asked = 0;
    failure = undefined;
    title = undefined;
    control = new AbortController();
    tail = new ConversationTail('c', 't', async (after): Promise<NewMessages> => {
      asked += 1;
      if (failure) throw failure;
      const left = messages.filter(({ id }) => id > after);
      return {
        messages: left.slice(0, 2),
        has_more: left.length > 2,
        runs: regenerated,
        ...(title !== undefined && { title }),
      };
    });
  });
  afterEach(() => control.abort());

  const read = (last_event_id = '0', open: string[] = []) =>
    new ConversationReading(
      tail,
      (id) => {
        begun.push(id);
        return runs[id] ?? ended();
      },
      control.signal,
    ).events({ last_event_id, runs: open });

  async function take(events: AsyncIterator<ConversationEvent>, count: number): Promise<ConversationEvent[]> {
    const taken: ConversationEvent[] = [];
    while (taken.length < count) {
      const { value } = await events.next();
      if (value) taken.push(value);
    }
    return taken;
  }

  async function* ended(...events: RunEvent[]): AsyncGenerator<RunEvent> {
    yield* events;
  }

  /** Events until the test lets it end. */
  function lasting(...events: RunEvent[]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const run = async function* () {
      yield* events;
      await promise;
      yield end(events.length + 1);
    };
    return { run: run(), end: resolve };
  }

  it('goes through the messages page by page, and on with each word of new ones', async () => {
    messages = ['1', '2', '3', '4', '5'].map((id) => message(id, 'user', null));
    const events = read('1');
    expect(names(await take(events, 4))).toEqual(['2', '3', '4', '5']);
    messages.push(message('6', 'user', null));
    tail.tell();
    expect(names(await take(events, 1))).toEqual(['6']);
  });

  it('tells the events of the runs that the messages name, and of those that were at work', async () => {
    runs = { a: ended(token(1), end(2)), b: ended(token(1), end(2)) };
    messages = [message('1', 'user', 'b')];
    const told = names(await take(read('0', ['a']), 5));
    expect(told.toSorted()).toEqual(['1', 'a1', 'a2', 'b1', 'b2']);
    expect(told.indexOf('1')).toBeLessThan(told.indexOf('b1'));
    expect(begun).toEqual(['a', 'b']);
  });

  it('tells the title when it is another one than the reader knows, behind the messages', async () => {
    title = 'Invoices';
    const start = { last_event_id: '0', runs: [], title };
    const known = new ConversationReading(tail, () => ended(), control.signal).events(start);
    const news = read();
    expect(names(await take(news, 1))).toEqual(['title Invoices']);
    messages = [message('1', 'user', null)];
    tail.tell();
    for (const reader of [known, news]) expect(names(await take(reader, 1))).toEqual(['1']);
    title = null;
    tail.tell();
    for (const reader of [known, news]) expect(names(await take(reader, 1))).toEqual(['title null']);
  });

  it('tells the events of runs that answer a message once more, each once, as soon as there is word of them', async () => {
    runs = { a: ended(token(1), end(2)) };
    messages = [message('1', 'user', null)];
    const events = read();
    expect(names(await take(events, 1))).toEqual(['1']);
    regenerated = ['a'];
    tail.tell();
    expect(names(await take(events, 2))).toEqual(['a1', 'a2']);
    messages.push(message('2', 'assistant', 'a'));
    tail.tell();
    expect(names(await take(events, 1))).toEqual(['2']);
    expect(begun).toEqual(['a']);
  });

  it('looks once more when it learns of such a run, and waits behind it', async () => {
    const { run, end: finish } = lasting(token(1));
    runs = { 5: run };
    messages = [message('1', 'user', null)];
    const events = read();
    expect(names(await take(events, 1))).toEqual(['1']);
    await until(() => tail.isBehind('5'));
    regenerated = ['5'];
    const before = asked;
    tail.tell();
    expect(names(await take(events, 1))).toEqual(['51']);
    await until(() => asked === before + 2 && tail.isBehind('6'));
    expect(tail.isBehind('5')).toBe(false);
    finish();
  });

  it('tells the answer of a run behind its events, whichever came first, and each event once', async () => {
    const { run, end: finish } = lasting(token(1));
    runs = { a: run };
    messages = [message('1', 'user', 'a'), message('2', 'assistant', 'a'), message('3', 'user', null)];
    const events = read();
    expect(names(await take(events, 2)).toSorted()).toEqual(['1', 'a1']);
    finish();
    expect(names(await take(events, 3))).toEqual(['a2', '2', '3']);
    expect(begun).toEqual(['a']);
  });

  it('goes on when a run is not known, because it could not be started', async () => {
    runs = { a: failing(new ProblemError('not_found')) };
    messages = [message('1', 'user', 'a'), message('2', 'user', null)];
    expect(names(await take(read(), 2))).toEqual(['1', '2']);
  });

  it('fails with what a run fails with', async () => {
    runs = { a: failing(new ProblemError('service_unavailable')) };
    messages = [message('1', 'user', 'a')];
    await expect(take(read(), 2)).rejects.toMatchObject({ code: 'service_unavailable' });
  });

  it('reads so many runs at once, and an answer even if its run has had no turn', async () => {
    const blocked = Array.from({ length: 32 }, (_, n) => `w${n}`);
    for (const id of blocked) runs[id] = lasting().run;
    runs = { ...runs, late: ended(token(1), end(2)) };
    const events = read('0', [...blocked, 'late']);
    const first = take(events, 3);
    await until(() => asked > 0);
    expect(begun).toEqual(blocked);
    messages = [message('1', 'assistant', 'late')];
    tail.tell();
    expect(names(await first)).toEqual(['late1', 'late2', '1']);
  });

  it('fetches no more than its reader takes', async () => {
    let given = 0;
    runs = {
      a: (async function* () {
        for (let n = 1; ; n += 1) {
          given = n;
          yield token(n);
        }
      })(),
    };
    const events = read('0', ['a']);
    await take(events, 10);
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBeLessThan(40);
  });

  it('asks again when chat is away', async () => {
    failure = new ProblemError('service_unavailable');
    const first = take(read(), 1);
    await until(() => asked === 1);
    failure = undefined;
    messages = [message('1', 'user', null)];
    expect(names(await first)).toEqual(['1']);
  });

  it('ends with the signal, and has its runs end', async () => {
    let isLeft = false;
    let ends = 0;
    const readRun = async function* (_id: string, signal: AbortSignal) {
      yield token(1);
      await once(signal, 'abort');
      isLeft = true;
    };
    const reading = new ConversationReading(tail, readRun, control.signal, () => (ends += 1));
    const events = reading.events({ last_event_id: '0', runs: ['a'] });
    await take(events, 1);
    const rest = Array.fromAsync(events);
    control.abort();
    expect(await rest).toEqual([]);
    await until(() => isLeft);
    expect(ends).toBe(1);
    expect(await Array.fromAsync(read())).toEqual([]);
  });

  it('ends with its reader, who takes no more', async () => {
    let ends = 0;
    messages = ['1', '2'].map((id) => message(id, 'user', null));
    const reading = new ConversationReading(
      tail,
      () => ended(),
      control.signal,
      () => (ends += 1),
    );
    for await (const event of reading.events({ last_event_id: '0', runs: [] })) {
      expect(names([event])).toEqual(['1']);
      break;
    }
    expect([ends, getEventListeners(control.signal, 'abort')]).toEqual([1, []]);
  });

  it('gives all readers of a run the same objects, and none of those to readers of another', async () => {
    const shared = token(1);
    for (const id of ['a', 'b']) runs[id] = ended(shared, end(2));
    const [first] = await take(read('0', ['a']), 1);
    runs['a'] = ended(shared, end(2));
    const [again] = await take(read('0', ['a']), 1);
    const [other] = await take(read('0', ['b']), 1);
    expect(again).toBe(first);
    expect(names([first, other].filter((event) => event !== undefined))).toEqual(['a1', 'b1']);
  });
});

// eslint-disable-next-line require-yield
async function* failing(error: Error): AsyncGenerator<RunEvent> {
  throw error;
}

describe('the tail of a conversation', () => {
  it('answers those who ask for the same together, but not with what was asked before the last word', async () => {
    const answers: PromiseWithResolvers<NewMessages>[] = [];
    const tail = new ConversationTail('c', 't', () => {
      const answer = Promise.withResolvers<NewMessages>();
      answers.push(answer);
      return answer.promise;
    });
    const [one, two, other] = [tail.after('1'), tail.after('1'), tail.after('2')];
    tail.tell();
    const late = tail.after('1');
    expect(answers).toHaveLength(3);
    answers.forEach(({ resolve }, index) => resolve({ messages: [], has_more: index === 2 }));
    expect(await Promise.all([one, two, other, late].map(async (page) => (await page).has_more))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('is behind while a reader waits without the newest message', async () => {
    const tail = new ConversationTail('c', 't', async () => ({ messages: [], has_more: false }));
    const control = new AbortController();
    expect(tail.isBehind('5')).toBe(false);
    const waits = [tail.wait(tail.words, '5', control.signal), tail.wait(tail.words, '4', control.signal)];
    expect([tail.isBehind('5'), tail.isBehind('4'), tail.isBehind(undefined)]).toEqual([true, false, false]);
    tail.tell();
    await Promise.all(waits);
    expect(tail.isBehind('5')).toBe(false);
    await tail.wait(0, '4', control.signal);
    const last = tail.wait(tail.words, '4', control.signal);
    control.abort();
    await last;
  });
});
