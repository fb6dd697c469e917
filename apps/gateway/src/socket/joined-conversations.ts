import { limits, ProblemError, type ConversationEvent, type ConversationStart } from '@taai/contracts';
import { toProblem } from '../http/problem.filter';
import { roomOf, tell, tellRecoverably, type ChatSocket } from './chat-socket';
import type { Outgoing } from './outgoing';
import type { Vouching } from './presence';
import { Receipts } from './receipts';
import type { Admitted, SocketParts } from './socket-parts';

/** Nothing is told of a conversation that the client left by itself, or joined again. */
const LEFT = new ProblemError('cancelled');

/** The conversations that one socket is in. Each is followed until the socket leaves it, or may not see it any longer. */
export class JoinedConversations {
  private readonly joined = new Map<string, AbortController>();
  readonly receipts: Receipts;

  constructor(
    private readonly socket: ChatSocket,
    private readonly outgoing: Outgoing,
    private readonly who: Admitted,
    private readonly parts: SocketParts,
    /** Ends the socket. */
    private readonly close: (error: unknown) => void,
  ) {
    this.receipts = new Receipts(socket);
  }

  /** Throws `too_many_streams` when the socket is in as many as it may be in. That the caller may see it must be checked before. */
  async join(id: string, start: ConversationStart): Promise<void> {
    this.assertRoom(id);
    this.joined.get(id)?.abort(LEFT);
    const control = new AbortController();
    this.joined.set(id, control);
    this.receipts.joined(id, start.last_event_id);
    await this.socket.join(roomOf(id));
    void this.follow(id, start, control);
    await this.showPresence(id);
  }

  /** Who is there, to a socket that has come, and to the others that it has. */
  private async showPresence(conversation_id: string): Promise<void> {
    const vouching = this.vouching(conversation_id);
    if (!vouching) return;
    for (const user_id of await this.parts.presence.enter(vouching)) {
      const presence = { conversation_id, user_id, is_online: true };
      if (user_id === vouching.user_id) tellRecoverably(this.socket, 'presence', presence);
      else tell(this.socket, 'presence', presence);
    }
  }

  has(id: string): boolean {
    return this.joined.has(id);
  }

  /** Tells the client that it is not in the conversation. */
  refuse(conversation_id: string, error: unknown): void {
    const { code, message } = toProblem(error);
    this.receipts.tellLeft(conversation_id, { code, detail: message });
  }

  /** Throws `too_many_streams`. */
  assertRoom(id: string): void {
    if (this.joined.has(id) || this.joined.size < limits.socketConversations) return;
    throw new ProblemError('too_many_streams', `A socket is in ${limits.socketConversations} conversations at most.`);
  }

  leave(id: string): void {
    const control = this.joined.get(id);
    if (!control) return;
    control.abort(LEFT);
    this.forget(id);
  }

  leaveAll(): void {
    for (const id of [...this.joined.keys()]) this.leave(id);
  }

  /** Throws `conflict` where the socket is not in the conversation. */
  async type(id: string, isTyping: boolean): Promise<void> {
    if (!this.joined.has(id)) throw new ProblemError('conflict', 'Join the conversation first.');
    const vouching = this.vouching(id);
    if (vouching) await this.parts.presence.type(vouching, isTyping);
  }

  private forget(id: string): void {
    this.joined.delete(id);
    this.receipts.forget(id);
    void this.socket.leave(roomOf(id));
    const vouching = this.vouching(id);
    if (vouching) void this.parts.presence.leave(vouching);
  }

  private async follow(id: string, start: ConversationStart, control: AbortController): Promise<void> {
    const { signal } = control;
    const watch = this.parts.principals.watch(this.who.caller, this.parts.seen(id), this.who.credential);
    watch.signal.addEventListener('abort', () => control.abort(watch.signal.reason));
    try {
      for await (const event of this.parts.follower.follow(id, start, signal)) {
        if (signal.aborted) break;
        await this.send(id, event);
      }
      signal.throwIfAborted();
    } catch (error) {
      if (error !== LEFT) this.end(id, control, error);
    } finally {
      watch.end();
    }
  }

  private async send(conversation_id: string, event: ConversationEvent): Promise<void> {
    if (event.type === 'run.event') tell(this.socket, event.type, event.data);
    else if (event.type === 'conversation.updated') tell(this.socket, event.type, event.data);
    else {
      tell(this.socket, event.type, event.data);
      this.receipts.message(conversation_id, event.id);
    }
    await this.outgoing.room();
  }

  private end(conversation_id: string, control: AbortController, error: unknown): void {
    if (toProblem(error).code === 'slow_reader') return this.close(error);
    if (this.joined.get(conversation_id) !== control) return;
    this.forget(conversation_id);
    this.refuse(conversation_id, error);
  }

  private vouching(conversation_id: string): Vouching | undefined {
    const { user_id } = this.who.caller;
    return user_id === undefined ? undefined : { conversation_id, user_id, socket_id: this.socket.id };
  }
}
