import { ProblemError, type ConversationStart } from '@taai/contracts';
import { runAs, type Caller } from '@taai/tenant';
import type { Watch } from '../access/principals';
import type { ChatSocket } from './chat-socket';
import { FloodLimit } from './flood-limit';
import { JoinedConversations } from './joined-conversations';
import { Outgoing } from './outgoing';
import { closingOf, endSocket } from './socket-end';
import type { Admitted, SocketParts } from './socket-parts';

/** What `setTimeout` can wait for. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One client's socket: who it is, how much it may send, and the conversations that it is in. It ends with its caller's access. */
export class SocketConnection {
  readonly flood = new FloodLimit();
  readonly conversations: JoinedConversations;
  /** Events that are being answered. */
  underWay = 0;
  private readonly control = new AbortController();
  private readonly watch: Watch;
  private isClosing = false;
  private expiry: NodeJS.Timeout | undefined;

  constructor(
    readonly socket: ChatSocket,
    private readonly who: Admitted,
    private readonly parts: SocketParts,
  ) {
    const outgoing = new Outgoing(socket);
    this.conversations = new JoinedConversations(socket, outgoing, who, parts, (error) => this.close(error));
    this.watch = parts.principals.watch(who.caller, undefined, who.credential);
    const { signal } = this.watch;
    signal.addEventListener('abort', () => this.close(signal.reason));
    this.watchExpiry();
  }

  /** Aborted when the socket is gone: calls that are made for it end with it. */
  get signal(): AbortSignal {
    return this.control.signal;
  }

  /** Who sends, if they still may: asked for each event. Throws what `Principals.find` throws. */
  callerNow(): Promise<Caller> {
    return this.parts.principals.find(this.who.credential);
  }

  async join(conversation_id: string, start: ConversationStart): Promise<void> {
    // Who has left while chat was asked is in nothing any longer.
    this.signal.throwIfAborted();
    return runAs(this.who.caller, () => this.conversations.join(conversation_id, start));
  }

  /** Tells the client why, and disconnects it. */
  close(error: unknown): void {
    if (this.isClosing) return;
    this.isClosing = true;
    endSocket(this.socket, closingOf(error));
  }

  /** Of the socket: nothing is done for it any longer. */
  end(): void {
    clearTimeout(this.expiry);
    this.watch.end();
    this.control.abort(new ProblemError('cancelled'));
    this.conversations.leaveAll();
  }

  /** Tokens end without a word from anybody. */
  private watchExpiry(): void {
    const ms = this.parts.principals.endOf(this.who.caller, this.who.credential) - Date.now();
    const wait = Math.min(Math.max(1000, ms), MAX_TIMER_MS);
    if (ms !== Infinity) this.expiry = setTimeout(() => void this.expire(), wait);
  }

  private async expire(): Promise<void> {
    try {
      await this.callerNow();
      if (!this.control.signal.aborted) this.watchExpiry();
    } catch (error) {
      this.close(error);
    }
  }
}
