import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { keys, log, messageOf, Periodic, REDIS, type RedisClient } from '@taai/platform';
import { tellRoom, type ChatNamespace } from './chat-socket';
import { definePresenceScript } from './presence.script';

/** How long a user counts as there when their gateway says nothing more, in milliseconds. */
const ONLINE_MS = 30_000;
const RENEW_MS = 10_000;
/** How long a user counts as typing who does not say so again. */
const TYPING_MS = 6000;
/** Questions to Redis under way at once. */
const AT_ONCE = 64;

/** `online` or `typing`, and who. */
const factOf = (kind: 'online' | 'typing', user_id: string) => `${kind} ${user_id}`;

/** What a socket vouches for. */
export interface Vouching {
  conversation_id: string;
  user_id: string;
  socket_id: string;
}

/**
 * Who is in a conversation, and who types there, over all gateways: kept in Redis, where it expires by itself when the gateway that said so
 * is gone. Whichever gateway learns of a change tells all sockets of the conversation.
 */
@Injectable()
export class Presence implements OnApplicationBootstrap, OnApplicationShutdown {
  /** What sockets of this process vouch for, by conversation. */
  private readonly entries = new Map<string, Set<string>>();
  private readonly typing = new Map<string, NodeJS.Timeout>();
  private readonly renewing = new Periodic(RENEW_MS, () => this.renew());
  private namespace: ChatNamespace | undefined;

  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    definePresenceScript(redis);
  }

  onApplicationBootstrap(): void {
    this.renewing.wake();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const timer of this.typing.values()) clearTimeout(timer);
    await this.renewing.stop();
  }

  /** Changes are told in this namespace. */
  tellIn(namespace: ChatNamespace): void {
    this.namespace = namespace;
  }

  /** The socket is in the conversation. Resolves to the users who are. */
  async enter(who: Vouching): Promise<string[]> {
    const entry = entryOf('online', who);
    const entries = this.entries.get(who.conversation_id) ?? new Set();
    this.entries.set(who.conversation_id, entries.add(entry));
    const facts = await this.keep(who.conversation_id, [entry], ONLINE_MS, []);
    return facts.filter((fact) => fact.startsWith('online ')).map(userOf);
  }

  async leave(who: Vouching): Promise<void> {
    const entry = entryOf('online', who);
    const entries = this.entries.get(who.conversation_id);
    entries?.delete(entry);
    if (entries?.size === 0) this.entries.delete(who.conversation_id);
    await this.keep(who.conversation_id, [], 0, [entry, this.stopTyping(who)]);
  }

  /** Is taken back by itself unless it is said again within 6 s. */
  async type(who: Vouching, isTyping: boolean): Promise<void> {
    const entry = this.stopTyping(who);
    if (!isTyping) return void (await this.keep(who.conversation_id, [], 0, [entry]));
    this.typing.set(
      `${who.conversation_id} ${entry}`,
      setTimeout(() => void this.type(who, false), TYPING_MS),
    );
    // A little longer, for when this gateway cannot take it back.
    await this.keep(who.conversation_id, [entry], TYPING_MS + 1000, []);
  }

  private stopTyping(who: Vouching): string {
    const entry = entryOf('typing', who);
    const key = `${who.conversation_id} ${entry}`;
    clearTimeout(this.typing.get(key));
    this.typing.delete(key);
    return entry;
  }

  private async renew(): Promise<void> {
    const all = [...this.entries];
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const some = all.slice(at, at + AT_ONCE);
      await Promise.all(some.map(([id, entries]) => this.keep(id, [...entries], ONLINE_MS, [])));
    }
  }

  /** Resolves to all that holds now. Without Redis nobody is told anything. */
  private async keep(id: string, added: string[], ms: number, over: string[]): Promise<string[]> {
    try {
      const values = [...added.flatMap((entry) => [entry, ms]), ...over];
      const [begun, ended, all] = await this.redis.keepPresence(keys.presence(id), added.length, ...values);
      for (const fact of begun) this.tell(id, fact, true);
      for (const fact of ended) this.tell(id, fact, false);
      return all;
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'presence is not known');
      return [];
    }
  }

  private tell(conversation_id: string, fact: string, isSo: boolean): void {
    const user_id = userOf(fact);
    if (fact.startsWith('online ')) {
      tellRoom(this.namespace, 'presence', { conversation_id, user_id, is_online: isSo });
    } else tellRoom(this.namespace, 'typing', { conversation_id, user_id, is_typing: isSo });
  }
}

const entryOf = (kind: 'online' | 'typing', { user_id, socket_id }: Vouching) =>
  `${factOf(kind, user_id)}|${socket_id}`;

const userOf = (fact: string): string => fact.slice(fact.indexOf(' ') + 1);
