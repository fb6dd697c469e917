import { once } from 'node:events';
import { limits, ProblemError } from '@taai/contracts';
import { pdf, png } from '@taai/files-testing';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { bearer } from '../http/http.testing';
import { dataUrl, ID, PATH, startAttachmentStage, type AttachmentStage } from './attachments.testing';

const image = png(640, 480);
/** The image, and behind it as much as makes a body one that is read piece by piece. */
const big = Buffer.concat([image, Buffer.alloc(1_500_000)]);
const executable = Buffer.from('MZ\x90\0\x03\0\0', 'latin1');

let stage: AttachmentStage;

beforeAll(async () => {
  stage = await startAttachmentStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

describe.each([
  ['short', image],
  ['long', big],
])('a file as a data URL in a %s body', (_, bytes) => {
  it('is kept like an upload, and sent by its id', async () => {
    const file_id = v7();
    const attachments = [
      { url: dataUrl(bytes), filename: 'cat.png' },
      { file_id },
      { url: dataUrl(pdf, 'application/pdf') },
    ];
    expect(await stage.post({ content: 'Look "at" this', attachments })).toMatchObject({ status: 201 });
    expect(stage.calls.finished).toEqual([
      {
        id: expect.any(String),
        filename: 'cat.png',
        purpose: 'user_data',
        content_type: 'image/png',
        bytes: bytes.length,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        stored_as: expect.any(String),
      },
      expect.objectContaining({ filename: 'attachment.pdf', content_type: 'application/pdf', bytes: pdf.length }),
    ]);
    expect(stage.idsSent()).toEqual([stage.calls.finished[0]?.id, file_id, stage.calls.finished[1]?.id]);
    expect(stage.calls.sent).toMatchObject([{ id: ID, content: 'Look "at" this' }]);
    expect(await stage.kept()).toHaveLength(2);
    expect([stage.calls.discarded, stage.calls.released]).toEqual([[], []]);
  });

  it.each<[string, object]>([
    [
      "OpenAI's image",
      {
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: dataUrl(bytes), detail: 'low' } },
        ],
      },
    ],
    [
      "OpenAI's file",
      {
        content: [
          { type: 'text', text: 'Look' },
          { type: 'file', file: { file_data: dataUrl(bytes), filename: 'a.png' } },
        ],
      },
    ],
    [
      'a plain part',
      {
        content: [
          { type: 'text', text: 'Lo' },
          { type: 'image', url: dataUrl(bytes) },
          { type: 'text', text: 'ok' },
        ],
      },
    ],
  ])('may be %s', async (_name, body) => {
    expect(await stage.post(body)).toMatchObject({ status: 201 });
    expect(stage.calls.finished).toMatchObject([{ content_type: 'image/png', bytes: bytes.length }]);
    expect(stage.calls.sent).toEqual([
      { id: ID, content: 'Look', attachments: [{ file_id: stage.calls.finished[0]?.id }] },
    ]);
  });

  it.each<[string, string, object]>([
    ["the AI SDK's", 'ai-sdk', { type: 'file', mediaType: 'image/png', filename: 'a.png', url: dataUrl(bytes) }],
    [
      "AG-UI's",
      'ag-ui',
      { type: 'image', source: { type: 'data', value: bytes.toString('base64'), mimeType: 'image/png' } },
    ],
    ["AG-UI's binary", 'ag-ui', { type: 'binary', mimeType: 'image/png', data: bytes.toString('base64') }],
  ])('may be %s part', async (_name, format, part) => {
    const parts = [{ type: 'text', text: 'Look' }, part];
    const message = { id: 'm', role: 'user', ...(format === 'ai-sdk' ? { parts } : { content: parts }) };
    const body =
      format === 'ai-sdk' ? { id: 'c', messages: [message] } : { threadId: 't', runId: 'r', messages: [message] };
    expect(await stage.post(body, {}, `${PATH}?format=${format}`)).toMatchObject({ status: 200 });
    expect(stage.calls.finished).toMatchObject([{ content_type: 'image/png', bytes: bytes.length }]);
    expect(stage.calls.sent).toEqual([
      { id: ID, content: 'Look', attachments: [{ file_id: stage.calls.finished[0]?.id }] },
    ]);
  });

  it.each<[string, Buffer, string, number, string]>([
    ['an executable that is called a PDF', executable, 'application/pdf', 415, 'unsupported_media_type'],
    ['a text that is called a PDF', Buffer.from('Hello'), 'application/pdf', 415, 'unsupported_media_type'],
    ['a PNG that unpacks to 2 GB', png(23_000, 23_000), 'image/png', 400, 'validation_failed'],
    ['nothing', Buffer.alloc(0), 'image/png', 400, 'validation_failed'],
  ])('is not %s, of which nothing stays', async (_name, bad, type, status, code) => {
    const url = dataUrl(
      bad.length > 0 && bytes === big ? Buffer.concat([bad, Buffer.alloc(1_500_000, 'x')]) : bad,
      type,
    );
    const attachments = [{ url: dataUrl(image) }, { url }];
    const answer = await stage.post({ content: 'Look', attachments });
    expect(answer).toMatchObject({ status, code, ...(status === 400 && { path: 'attachments.1' }) });
    expect(stage.calls.sent).toEqual([]);
    await stage.nothingIsKept();
  });

  it('of a message that is refused is not kept', async () => {
    stage.says.refusal = new ProblemError('agent_not_ready');
    expect(await stage.post({ content: 'Look', attachments: [{ url: dataUrl(bytes) }] })).toMatchObject({
      status: 422,
    });
    expect(stage.calls.released).toEqual([stage.calls.finished[0]?.id]);
  });

  it('of a message that may have been written stays', async () => {
    for (const code of ['service_unavailable', 'idempotency_in_flight'] as const) {
      stage.says.refusal = new ProblemError(code);
      await stage.post({ content: 'Look', attachments: [{ url: dataUrl(bytes) }] });
    }
    expect(stage.calls.released).toEqual([]);
  });

  it('is kept once for one Idempotency-Key', async () => {
    const body = { content: 'Look', attachments: [{ url: dataUrl(bytes) }] };
    const again = () => stage.post(body, { 'idempotency-key': 'once' });
    expect([await again(), await again()]).toMatchObject([{ status: 201 }, { status: 201 }]);
    expect(new Set(stage.idsSent()).size).toBe(1);
    expect(await stage.kept()).toHaveLength(1);
    expect(stage.calls.finished[0]?.sha256).toBe(stage.calls.finished[1]?.sha256);
  });
});

describe('a long body', () => {
  const long = dataUrl(big);

  it.each<[string, object | string, number, string]>([
    ['is no JSON', `{"content":"x","attachments":[{"url":"${long}"}]`, 400, 'malformed_request'],
    ['breaks a rule', { content: 7, attachments: [{ url: long }] }, 400, 'validation_failed'],
    ['has an unknown field', { content: 'x', attachments: [{ url: long }], model: 'x' }, 400, 'validation_failed'],
    ['has no files in it', { content: 'x'.repeat(1_500_000) }, 413, 'payload_too_large'],
    [
      'has many files in it',
      { content: 'x', attachments: Array.from({ length: 300 }, () => ({ url: long.slice(0, 6002) })) },
      400,
      'validation_failed',
    ],
    [
      'has many texts in it',
      { content: 'x', attachments: [{ url: long }], x: Array<string>(10_000).fill('') },
      400,
      'validation_failed',
    ],
    [
      'has a file in it that is no base64',
      { content: 'x', attachments: [{ url: `${long}!` }] },
      400,
      'validation_failed',
    ],
  ])('that %s leaves nothing', async (_, body, status, code) => {
    expect(await stage.post(body)).toMatchObject({ status, code });
    await stage.nothingIsKept();
  });

  it('leaves nothing of the files that were said before', async () => {
    const says = (url: string) => ({
      id: 'm',
      role: 'user',
      parts: [
        { type: 'text', text: 'Look' },
        { type: 'file', mediaType: 'image/png', url },
      ],
    });
    const messages = [
      says(dataUrl(Buffer.concat([image, Buffer.alloc(9000)]))),
      { id: 'a', role: 'assistant', parts: [] },
      says(long),
    ];
    expect(await stage.post({ id: 'c', messages }, {}, `${PATH}?format=ai-sdk`)).toMatchObject({ status: 200 });
    expect(stage.calls.finished).toMatchObject([{ bytes: big.length }]);
    await until(async () => (await stage.kept()).length === 1 && stage.calls.discarded.length === 1);
  });

  it('takes 20 MB of a file, and not a byte more', async () => {
    const most = Buffer.alloc(limits.fileBytes, 'x');
    expect(await stage.post({ content: 'x', attachments: [{ url: dataUrl(most, 'text/plain') }] })).toMatchObject({
      status: 201,
    });
    expect(stage.calls.finished).toMatchObject([{ bytes: limits.fileBytes }]);
    const more = Buffer.concat([most, Buffer.from('x')]);
    expect(await stage.post({ content: 'x', attachments: [{ url: dataUrl(more, 'text/plain') }] })).toMatchObject({
      status: 413,
    });
    const two = [{ url: dataUrl(most, 'text/plain') }, { url: dataUrl(image) }];
    expect(await stage.post({ content: 'x', attachments: two })).toMatchObject({ status: 400, path: 'attachments.1' });
  });

  it('is nothing for other routes', async () => {
    const answer = await stage.post({ title: 'x', description: long }, {}, '/v1/tasks');
    expect(answer).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('of a client that leaves in the middle leaves nothing', async () => {
    const socket = stage.edge.connect();
    const head = `POST ${PATH} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer.authorization}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 9000000\r\n\r\n`);
    // No padding in the middle of it.
    socket.write(`{"content":"x","attachments":[{"url":"${dataUrl(image.subarray(0, 27))}${'A'.repeat(500_000)}`);
    await until(async () => (await stage.kept()).length === 1);
    socket.destroy();
    await once(socket, 'close');
    await stage.nothingIsKept();
  });
});
