import { requestLog } from '@taai/platform';
import { ProblemError } from '@taai/contracts';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const conversation = { id: ID, title: 'Invoices\n# and more', created_at: '2026-01-31T12:00:00.000Z' };
const said = (n: number) => ({
  id: `${ID}-${n}`,
  role: n % 2 ? 'assistant' : 'user',
  content: `Line ${n}`,
  created_at: `2026-01-31T12:00:0${n}.000Z`,
});

beforeAll(() => jest.spyOn(requestLog, 'info').mockReturnValue());
afterAll(() => jest.restoreAllMocks());

describe('the export of a conversation', () => {
  let edge: TestEdge;
  let asked: (string | undefined)[];
  let refusal: ProblemError | undefined;

  beforeAll(async () => {
    const methods = {
      export: () => (refusal ? Promise.reject(refusal) : Promise.resolve(conversation)),
      list: async ({ cursor }: { cursor?: string }) => {
        asked.push(cursor);
        if (cursor === 'broken') throw new ProblemError('service_unavailable');
        return cursor
          ? { data: [said(2)], has_more: false, next_cursor: null }
          : { data: [said(0), said(1)], has_more: true, next_cursor: 'next' };
      },
    };
    edge = await startEdge({}, { methods });
  });
  beforeEach(() => {
    asked = [];
    refusal = undefined;
  });
  afterAll(() => edge.close());

  const download = (query = '') => edge.fetch(`/v1/conversations/${ID}/export${query}`, { headers: bearer });

  it('is Markdown, page by page', async () => {
    const { status, headers, text } = await download();
    expect([status, headers.get('content-type')]).toEqual([200, 'text/markdown; charset=utf-8']);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="conversation-${ID}.md"`);
    expect(text).toBe(
      [
        '# Invoices # and more\n\n2026-01-31T12:00:00.000Z\n',
        '## User, 2026-01-31T12:00:00.000Z\n\nLine 0\n',
        '## Assistant, 2026-01-31T12:00:01.000Z\n\nLine 1\n',
        '## User, 2026-01-31T12:00:02.000Z\n\nLine 2\n',
      ].join('\n'),
    );
    expect(asked).toEqual([undefined, 'next']);
  });

  it('is JSON with all that is known', async () => {
    const { headers, text } = await download('?format=json');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(JSON.parse(text)).toEqual({ conversation, messages: [said(0), said(1), said(2)] });
  });

  it('is refused as reading it is, and for other formats', async () => {
    refusal = new ProblemError('not_found');
    expect((await download()).status).toBe(404);
    expect((await download('?format=pdf')).status).toBe(400);
  });
});
