import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { bind, chatSocketContract, limits, ProblemError, type FieldError } from '@taai/contracts';
import { authorize } from '@taai/rbac';
import { runInContext } from '@taai/tenant';
import { DeniedAccess } from '../access/denied-access';
import { toProblem } from '../http/problem.filter';
import { recordAnswer } from '../http/request-hooks';
import { readPayload } from '../route/validation';
import { ChatEvents, type EventHandlers } from './chat-events';
import type { SocketConnection } from './socket-connection';

const FORBIDDEN = 403;

type Key = keyof typeof chatSocketContract.methods;

/** What acknowledges an event. */
export type Acknowledgement =
  | { ok: true; [field: string]: unknown }
  | { ok: false; error: { code: string; detail: string; retry_after?: number; errors?: FieldError[] } };

const keysByEvent = new Map<string, Key>(
  (Object.keys(chatSocketContract.methods) as Key[]).map((key) => [chatSocketContract.methods[key].socket.event, key]),
);

/** Every event that clients may send. */
const knownEvents = [...keysByEvent.keys()];

/** Has events answered: who sends may, the payload is what the contract says, and neither is too much. */
@Injectable()
export class EventDispatcher {
  constructor(
    private readonly events: ChatEvents,
    private readonly denied: DeniedAccess,
  ) {}

  /** Never rejects. */
  async answer(connection: SocketConnection, event: string, args: readonly unknown[]): Promise<Acknowledgement> {
    const began = performance.now();
    const key = keysByEvent.get(event);
    const [answer, status] = await this.outcome(connection, key, args);
    const route = `/chat ${key === undefined ? 'unmatched' : event}`;
    recordAnswer({ method: 'SOCKET', route, status, ms: performance.now() - began });
    return answer;
  }

  private async outcome(
    connection: SocketConnection,
    key: Key | undefined,
    args: readonly unknown[],
  ): Promise<[Acknowledgement, number]> {
    try {
      return [{ ok: true, ...(await this.handle(connection, key, args)) }, 200];
    } catch (error) {
      const { code, message, status, retry_after, extras } = toProblem(error);
      const { errors } = extras;
      const more = { ...(retry_after !== undefined && { retry_after }), ...(errors && { errors }) };
      return [{ ok: false, error: { code, detail: message, ...more } }, status];
    }
  }

  private async handle(connection: SocketConnection, key: Key | undefined, args: readonly unknown[]): Promise<object> {
    this.admit(connection);
    if (key === undefined) throw new ProblemError('malformed_request', `The events are ${knownEvents.join(', ')}.`);
    if (args.length !== 1) throw new ProblemError('malformed_request', 'An event has one JSON object as its payload.');
    connection.underWay += 1;
    try {
      return await this.perform(connection, key, args[0]);
    } finally {
      connection.underWay -= 1;
    }
  }

  private admit(connection: SocketConnection): void {
    const isAdmitted = connection.flood.take() && connection.underWay < limits.socketEventsAtOnce;
    if (isAdmitted) return;
    const problem = new ProblemError('rate_limited', 'The socket sends more events than it may.', { retry_after: 1 });
    // Later, so that what came in the same packet is acknowledged.
    if (connection.flood.isHopeless) setImmediate(() => connection.close(problem));
    throw problem;
  }

  private async perform(connection: SocketConnection, key: Key, payload: unknown): Promise<object> {
    const caller = await connection.callerNow();
    const { method } = bind(chatSocketContract, key);
    const { signal, socket } = connection;
    const context = { request_id: randomUUID(), caller, signal, ip: socket.handshake.address };
    try {
      authorize(method, caller);
      return await runInContext(context, () => this.call(key, payload, connection));
    } catch (error) {
      if (error instanceof ProblemError && error.status === FORBIDDEN) {
        this.denied.count(caller, { http: `SOCKET ${method.socket.event}`, access: method.access });
      }
      throw error;
    }
  }

  private async call<K extends Key>(key: K, payload: unknown, connection: SocketConnection) {
    const events: EventHandlers = this.events;
    const { method } = bind(chatSocketContract, key);
    return events[key](await readPayload(method, payload), connection);
  }
}
