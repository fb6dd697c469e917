import { ProblemError, type Message, type NewMessages, type SharedStart } from '@taai/contracts';
import { NIL } from 'uuid';
import type { Principals, SeenByAnybody } from '../../access/principals';
import { ConversationTail } from '../conversation-tail';
import type { ConversationTails } from '../conversation-tails';
import { OpenStreams } from '../open-streams';
import { bodyOf, serve, type AnswerServer } from '../stream.testing';
import { SharedStreams } from './shared-streams';

const [CONVERSATION, TENANT] = ['0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e00', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e99'];
const idOf = (n: number) => `0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e4${n}`;

const message = (n: number): Message => ({
  id: idOf(n),
  conversation_id: CONVERSATION,
  parent_message_id: null,
  role: 'user',
  content: `word ${n}`,
  attachments: [{ file_id: NIL, filename: 'secret.txt', content_type: 'text/plain', bytes: 1 }],
  run_id: NIL,
  user_id: NIL,
  created_at: '2026-01-31T12:00:00.000Z',
});

describe('the stream of a link', () => {
  let pages: NewMessages[];
  let server: AnswerServer;
  let seen: SeenByAnybody | undefined;
  let access: AbortController;
  let left: number;
  const start: SharedStart = {
    tenant_id: TENANT,
    share_id: NIL,
    conversation_id: CONVERSATION,
    last_event_id: idOf(0),
    expires_at: null,
  };
  let begin: SharedStart;

  beforeEach(async () => {
    [access, left, seen, begin] = [new AbortController(), 0, undefined, start];
    pages = [
      { messages: [message(1)], has_more: true },
      { messages: [message(2)], has_more: false },
    ];
    const principals = {
      watchSeen: (given: SeenByAnybody) => {
        seen = given;
        return { signal: access.signal, end: () => undefined };
      },
    } as unknown as Principals;
    const tail = new ConversationTail(
      CONVERSATION,
      TENANT,
      async () => pages.shift() ?? { messages: [], has_more: false },
    );
    const tails = { join: () => ({ tail, leave: () => void (left += 1) }) } as unknown as ConversationTails;
    const streams = new SharedStreams(tails, principals, new OpenStreams(principals));
    server = await serve((reply) => streams.stream(reply, begin, () => Promise.reject(new ProblemError('not_found'))));
  });
  afterEach(() => server.close());

  const END = 'event: error\ndata: ';

  it('tells messages by their ids, as the link shows them, until it ends', async () => {
    let text = '';
    for await (const chunk of await server.ask().response) {
      text += String(chunk);
      if (text.includes(`id: ${idOf(2)}\n`)) access.abort(new ProblemError('not_found', 'There is no such link.'));
    }
    const [place, ...events] = text.split('\n\n');
    expect(place).toBe(`id: ${idOf(0)}`);
    const told = events.filter((event) => event.startsWith('id: ')).map((event) => event.split('\n'));
    expect(told).toHaveLength(2);
    for (const [index, lines] of told.entries()) {
      const { id, parent_message_id, role, content, created_at } = message(index + 1);
      const data = JSON.stringify({ id, parent_message_id, role, content, created_at });
      expect(lines).toEqual([`id: ${id}`, 'event: message.created', `data: ${data}`]);
    }
    expect(text.split(END)[1]).toContain('"not_found"');
    expect([seen?.ids, left]).toEqual([[TENANT, CONVERSATION], 1]);
    await expect(seen?.check()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('ends when the link expires', async () => {
    begin = { ...start, expires_at: new Date(Date.now() + 20) };
    const text = await bodyOf(server.ask());
    expect(text.split(END)[1]).toContain('"not_found"');
  });
});
