import { ProblemError, type BoundMethod } from '@taai/contracts';
import { codeOf, TestService, type TestMethod } from '../fleet.testing';
import type { Control } from '../wire/envelope';
import { PendingCall } from './pending-call';
import { PendingCalls } from './pending';
import { ReceiveWindow } from './receive-window';

const CHECK_MS = 50;
const SILENT_CHECKS = 3000 / CHECK_MS;
const service = new TestService();

let time: number;
let isListening: boolean;
let isWithdrawn: Promise<boolean>;
let sent: PendingCall[];
let controls: [string, Control][];
let pending: PendingCalls;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  time = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => time);
  isListening = true;
  isWithdrawn = Promise.resolve(true);
  sent = [];
  controls = [];
  pending = new PendingCalls({
    limits: { calls: 100, characters: 1000 },
    isListening: () => isListening,
    send: (call) => void sent.push(call),
    withdraw: () => isWithdrawn,
    control: (replica, control) => void controls.push([replica, control]),
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** One check of the judge, which comes late by `late` milliseconds. */
function turn(late = 0): void {
  time += CHECK_MS + late;
  jest.advanceTimersByTime(CHECK_MS);
}

function turns(count: number, late = 0): void {
  for (let n = 0; n < count; n++) turn(late);
}

function open(
  key: TestMethod,
  { timeout_ms = 60_000, idempotency_key }: { timeout_ms?: number; idempotency_key?: string } = {},
) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const bound: BoundMethod = service.method(key);
  const head = { id: '', caller: 'caller', rpc: bound.rpc, deadline: 0, hops: 0, request_id: 'r', idempotency_key };
  const outputs = bound.method.stream ? new ReceiveWindow(() => undefined) : undefined;
  const call = new PendingCall(bound, head, '{}', timeout_ms, resolve, reject, outputs);
  pending.open(call);
  const failure = promise.then(
    () => undefined,
    (reason: ProblemError) => reason,
  );
  return { call, failure, code: codeOf(promise) };
}

describe('A replica', () => {
  it("that is silent for 3 s of this process's time is lost, and not a check before", async () => {
    const { call, code } = open('stream');
    turn();
    pending.heartbeat('replica', [call.head.id]);
    turns(SILENT_CHECKS);
    expect(call.settled).toBe(false);
    turn();
    expect(await code).toBe('replica_lost');
  });

  it('that sends anything lives, whatever of its calls it is about', () => {
    const [first, second] = [open('write').call, open('write').call];
    pending.heartbeat('replica', [first.head.id, second.head.id]);
    turns(SILENT_CHECKS - 1);
    pending.heartbeat('replica', []);
    turns(SILENT_CHECKS / 4);
    expect([first.settled, second.settled]).toEqual([false, false]);
    turns(SILENT_CHECKS);
    expect([first.settled, second.settled]).toEqual([true, true]);
  });

  it('that lives but has forgotten a call is not waited for', async () => {
    const { call, code } = open('write');
    pending.heartbeat('replica', [call.head.id]);
    for (let n = 0; n < 2 * SILENT_CHECKS; n++) {
      turn();
      pending.heartbeat('replica', []);
    }
    expect(await code).toBe('replica_lost');
  });

  it('is allowed the silence of a process that stands still most of the time, on both sides', () => {
    const { call } = open('stream', { timeout_ms: 1_000_000 });
    pending.heartbeat('replica', [call.head.id]);
    for (let n = 0; n < 50; n++) {
      turns(4, 360);
      pending.output(`${call.head.id}/${n + 1}`, '{}');
      turn(5000);
      pending.heartbeat('replica', []);
    }
    expect(call.settled).toBe(false);
  });

  it('is not judged by what could not be heard', () => {
    const { call } = open('stream');
    pending.heartbeat('replica', [call.head.id]);
    isListening = false;
    turns(3 * SILENT_CHECKS);
    isListening = true;
    turns(SILENT_CHECKS);
    expect(call.settled).toBe(false);
    turn();
    expect(call.settled).toBe(true);
  });
});

describe('An output that its successors have overtaken', () => {
  it('is waited for longer than a replica tries to send it, and then breaks the stream', async () => {
    const { call, code } = open('stream');
    pending.heartbeat('replica', [call.head.id]);
    const hear = (checks: number) => {
      for (let n = 0; n < checks; n++) {
        turn();
        pending.heartbeat('replica', [call.head.id]);
      }
    };
    pending.output(`${call.head.id}/2`, '{}');
    hear(90);
    expect(call.settled).toBe(false);
    pending.output(`${call.head.id}/1`, '{}');
    pending.output(`${call.head.id}/4`, '{}');
    hear(90);
    expect(call.settled).toBe(false);
    hear(20);
    expect(await code).toBe('stream_broken');
    expect(controls.at(-1)).toEqual(['replica', { id: call.head.id }]);
  });
});

describe('At its deadline', () => {
  it.each([
    ['still stands in the list was not executed, and may be asked again', true, 'service_unavailable'],
    ['is no more in the list may have been executed', false, 'deadline_exceeded'],
  ])('a call that %s', async (_, withdrawn, expected) => {
    isWithdrawn = Promise.resolve(withdrawn);
    const { failure } = open('write', { timeout_ms: 100 });
    turns(2);
    const problem = await failure;
    expect(problem?.code).toBe(expected);
    expect(problem?.extras.retry_after !== undefined).toBe(withdrawn);
  });

  it('a call ends without an answer of Redis, too', async () => {
    isWithdrawn = new Promise(() => undefined);
    const { code } = open('write', { timeout_ms: 100 });
    turns(3);
    expect(await code).toBe('deadline_exceeded');
  });

  it('a reply that came while this process stood still is heard first', async () => {
    const { call, code } = open('write', { timeout_ms: 100 });
    pending.heartbeat('replica', [call.head.id]);
    turn(1000);
    pending.answer(call.head.id, '{}');
    expect(await code).toBe('ok');
  });

  it.each([
    ['write', undefined, 'Whether it was done is not known.'],
    ['create', 'key', 'Whether it was done is not known: a repetition with the same Idempotency-Key is safe.'],
    ['create', undefined, 'Whether it was done is not known.'],
    ['read', undefined, undefined],
  ] as const)('a call of %s with the key %s says what is known of it', async (key, idempotency_key, said) => {
    const { call, failure } = open(key, { timeout_ms: 100, ...(idempotency_key && { idempotency_key }) });
    pending.heartbeat('replica', [call.head.id]);
    turns(3);
    const title = 'The request took longer than its deadline';
    expect((await failure)?.message).toBe(said ? `${title}. ${said}` : title);
  });
});

describe('A call that no replica names for 5 s', () => {
  it.each([
    ['was not executed if it still stands in the list', true, 'service_unavailable'],
    ['went down with the replica that took it', false, 'deadline_exceeded'],
  ])('%s', async (_, withdrawn, expected) => {
    isWithdrawn = Promise.resolve(withdrawn);
    const { call, code } = open('write', { timeout_ms: 600_000 });
    turns(5000 / CHECK_MS);
    expect(call.expired).toBe(false);
    turn();
    expect(await code).toBe(expected);
  });

  it('is waited for once one has named it', async () => {
    const { call } = open('write', { timeout_ms: 600_000 });
    turns(10);
    for (let n = 0; n < 10; n++) {
      pending.heartbeat('replica', [call.head.id]);
      turns(1000 / CHECK_MS);
    }
    expect(call.expired).toBe(false);
  });
});

describe('A call that nobody waits for any more', () => {
  it('is cancelled at its replica as soon as that is known', () => {
    const { call } = open('write');
    pending.abandon(call);
    expect(controls).toEqual([]);
    pending.heartbeat('replica', [call.head.id]);
    expect(controls).toEqual([['replica', { id: call.head.id }]]);
  });
});
