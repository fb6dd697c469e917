import { createHash } from 'node:crypto';
import type { TestServer } from '../../apps/orchestrator/src/tool/http/http-server.testing';
import { ANSWER_BYTES, startBigAnswers } from './big-answers';
import { ChatClient, nameOf, type ChatEvent } from './chat-client';
import type { Client } from './client';
import { eventually } from './eventually';
import { PausedSource } from './paused-source';
import { ResumeStage } from './resume-stage';
import { newAgent } from './tenant';

const AT_ONCE = 4;
const SECONDS = 200;

/** The messages, and the events of each run, by what they are known by and what they say; what comes twice counts once. */
function digestOf(events: readonly ChatEvent[]): Record<string, string[]> {
  const told = new Map(events.map((event) => [nameOf(event), event]));
  const groups = Map.groupBy(told.values(), ({ type, data }) => String(type === 'run.event' ? data.run_id : type));
  const digest = (event: ChatEvent) =>
    `${nameOf(event)} ${createHash('sha256').update(JSON.stringify(event)).digest('hex')}`;
  return Object.fromEntries([...groups].map(([group, those]) => [group, those.map(digest)]));
}

/** Of the last message, else what is given. */
const lastIdOf = (events: readonly ChatEvent[], none = ''): string =>
  events.findLast(({ type }) => type === 'message.created')?.data.id ?? none;

/** Readers of a conversation that do not read, on SSE and on Socket.IO, while much is told in it. */
export class SlowStage {
  private readonly open: { leave(): void }[] = [];

  private constructor(
    private readonly stage: ResumeStage,
    private readonly provider: TestServer,
    private readonly agentId: string,
  ) {}

  static async start(): Promise<SlowStage> {
    const [stage, provider] = [await ResumeStage.start(), await startBigAnswers()];
    return new SlowStage(stage, provider, await newAgent(stage.tenant, provider.url));
  }

  async stop(): Promise<void> {
    this.open.forEach((one) => one.leave());
    await this.stage.stop();
    await this.provider.close();
  }

  /**
   * Has four readers at the first gateway sleep until so many bytes were told to each, and one of each wire at the second until it is dropped.
   * Throws unless all are dropped, the latter are told why, and all resume whole. Resolves to what that cost the first gateway.
   */
  async sleepThrough(told_bytes: number): Promise<{ grown_bytes: number; told_bytes: number }> {
    const { first, second } = this.stage;
    const { body } = await second.post('/v1/conversations', { agent_id: this.agentId });
    const conversation: string = body['id'];
    const sources = [await this.source(first, conversation), await this.source(first, conversation)];
    const sockets = [await this.socket(first, conversation), await this.socket(first, conversation)];
    const [source, socket] = [await this.source(second, conversation), await this.socket(second, conversation)];
    [...sockets, socket].forEach((one) => one.pause());

    const producing = this.produce(conversation, told_bytes);
    const [last, grown_bytes] = await Promise.all([
      producing,
      this.growthUntil(producing),
      this.expectSourceTold(source),
      this.expectSocketTold(socket),
    ]);
    const uncut = await this.source(second, conversation);
    await uncut.read(last);
    const whole = digestOf(uncut.events);
    for (const slow of [...sources, source]) {
      await slow.read();
      const rest = await this.source(second, conversation, slow.lastId);
      await rest.read(last);
      expect(digestOf([...slow.events, ...rest.events])).toEqual(whole);
    }
    for (const slow of [...sockets, socket]) {
      slow.leave();
      const rest = await this.socket(second, conversation, lastIdOf(slow.events, conversation));
      await eventually(async () => expect(lastIdOf(rest.events)).toBe(last), SECONDS);
      expect(digestOf([...slow.events, ...rest.events])).toEqual(whole);
    }
    const told = uncut.events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
    return { grown_bytes, told_bytes: told };
  }

  /** Reads nothing until it is told to. */
  private async source(client: Client, conversation: string, last = conversation): Promise<PausedSource> {
    const source = await PausedSource.open(client, conversation, last);
    this.open.push(source);
    return source;
  }

  private async socket(client: Client, conversation_id: string, last_event_id = conversation_id): Promise<ChatClient> {
    const chat = await ChatClient.connect(client);
    this.open.push(chat);
    expect(await chat.ask('conversation:join', { conversation_id, last_event_id })).toMatchObject({ ok: true });
    return chat;
  }

  /** Says things of which none is context of the other. An answer is told in pieces, as the output of its run, and as a message. */
  private async produce(conversation: string, told_bytes: number): Promise<string> {
    const path = `/v1/conversations/${conversation}/messages`;
    const runs = Math.ceil(told_bytes / (3 * ANSWER_BYTES));
    const questions = Array.from({ length: runs }, (_, n) => ({ content: `${n}`, parent_message_id: null }));
    const answers: string[] = [];
    const ask = async () => {
      for (let question = questions.pop(); question; question = questions.pop()) {
        const headers = { 'idempotency-key': crypto.randomUUID() };
        const body = question;
        const { reply } = await eventually(async () => {
          const answer = await this.stage.second.post(path, body, { headers });
          expect(answer.status).toBe(201);
          return answer.body;
        });
        answers.push(reply.id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return answers.sort().at(-1) ?? '';
  }

  private dropped(gateway: 0 | 1, wire: 'sse' | 'socket'): Promise<number> {
    return this.stage.metric(gateway, `slow_readers_total{wire="${wire}"`);
  }

  /** By how much the first gateway grows until all is told, and its readers are dropped. */
  private async growthUntil(producing: Promise<unknown>): Promise<number> {
    let isProduced = false;
    void producing.then(() => (isProduced = true));
    const sizes: number[] = [];
    await eventually(async () => {
      sizes.push(await this.stage.metric(0, 'process_resident_memory_bytes'));
      expect([isProduced, await this.dropped(0, 'sse'), await this.dropped(0, 'socket')]).toEqual([true, 2, 2]);
    }, SECONDS);
    return Math.max(...sizes) - (sizes[0] ?? 0);
  }

  private async expectSourceTold(source: PausedSource): Promise<void> {
    await eventually(async () => expect(await this.dropped(1, 'sse')).toBe(1), SECONDS);
    await source.read();
    expect(source.reason).toBe('slow_reader');
  }

  private async expectSocketTold(socket: ChatClient): Promise<void> {
    await eventually(async () => expect(await this.dropped(1, 'socket')).toBe(1), SECONDS);
    socket.resume();
    await eventually(async () => expect(socket.toldOf('closing')).toMatchObject([{ code: 'slow_reader' }]));
    socket.close();
  }
}
