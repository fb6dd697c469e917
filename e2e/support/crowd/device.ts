import type { Told } from '../../../scripts/test/crowd/verdict';
import { ChatClient, type ChatEvent } from '../chat-client';
import type { Client, Json } from '../client';

/** What a device was told, when. The conversation of a run's event is known by the run alone. */
export type Entry = Omit<Told, 'conversation'> & { conversation?: string; data: Json };

/** One of a user's devices: a socket that comes and goes, and everything that it was told meanwhile. */
export class Device {
  readonly log: Entry[] = [];
  /** Conversations that it was let into, and has not left. */
  readonly inside = new Set<string>();
  private chat: ChatClient | undefined;

  constructor(
    readonly name: string,
    readonly user: number,
    private readonly gateways: readonly [string, string],
    private gateway: 0 | 1,
  ) {}

  async connect(client: Client): Promise<void> {
    const chat = await ChatClient.connect(client.at(this.gateways[this.gateway]));
    chat.socket.onAny((type: string, data: Json) => this.hear(type, data));
    this.chat = chat;
    this.note('connected');
  }

  ask(event: string, payload: object): Promise<Json> {
    if (!this.chat) throw new Error('The device is not connected.');
    return this.chat.ask(event, payload);
  }

  /** Behind the last message that it has, or from the conversation's beginning. */
  async join(conversation: string): Promise<Json> {
    this.note('asked', conversation);
    const last_event_id = this.messages(conversation).at(-1)?.id ?? conversation;
    const answer = await this.ask('conversation:join', { conversation_id: conversation, last_event_id });
    if (answer.ok) this.inside.add(conversation);
    else this.inside.delete(conversation);
    return answer;
  }

  /** Goes, and comes back at the other gateway, into the conversations that it was in; resolves to those that let it in no longer. */
  async move(client: Client): Promise<string[]> {
    this.close();
    this.gateway = this.gateway === 0 ? 1 : 0;
    await this.connect(client);
    return this.joinAgain();
  }

  /** Loses its connection, and comes back by itself. Resolves as `move` does. */
  async cut(): Promise<string[]> {
    const { socket } = this.chat ?? {};
    if (!socket) throw new Error('The device is not connected.');
    const back = Promise.withResolvers<void>();
    socket.once('connect', back.resolve);
    this.note('cut');
    socket.io.engine.close();
    await back.promise;
    this.note(socket.recovered ? 'recovered' : 'connected');
    return socket.recovered ? [] : this.joinAgain();
  }

  /** Resolves when the server has ended its connection. */
  ended(): Promise<string> {
    if (!this.chat) throw new Error('The device is not connected.');
    return this.chat.disconnected();
  }

  close(): void {
    this.chat?.close();
  }

  /** The last that happened to it in the conversation, in words. */
  story(conversation: string): string[] {
    const entries = this.log.filter((entry) => !entry.conversation || entry.conversation === conversation);
    const steps = entries.filter(({ type }) => type !== 'run.event').slice(-12);
    return [this.name, ...steps.map(({ at, type }) => `${Math.round(at)}: ${type}`)];
  }

  /** Messages of the conversation, as they came. */
  messages(conversation: string): Json[] {
    const isOf = (entry: Entry) => entry.type === 'message.created' && entry.conversation === conversation;
    return this.log.filter(isOf).map(({ data }) => data);
  }

  /** Messages and events of runs, as they came. */
  get events(): ChatEvent[] {
    return this.log.filter(({ type }) => type === 'message.created' || type === 'run.event');
  }

  private note(type: string, conversation?: string): void {
    this.log.push({ at: performance.now(), type, ...(conversation !== undefined && { conversation }), data: null });
  }

  private hear(type: string, data: Json): void {
    const conversation: string | undefined = data.conversation_id;
    if (type === 'conversation.left') this.inside.delete(data.conversation_id);
    this.log.push({ at: performance.now(), type, ...(conversation !== undefined && { conversation }), data });
  }

  private async joinAgain(): Promise<string[]> {
    const refused: string[] = [];
    for (const conversation of [...this.inside]) if (!(await this.join(conversation)).ok) refused.push(conversation);
    return refused;
  }
}
