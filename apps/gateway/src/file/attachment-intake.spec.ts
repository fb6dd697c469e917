import { limits } from '@taai/contracts';
import { png } from '@taai/files-testing';
import { NIL } from 'uuid';
import { dataUrl, ID, startAttachmentStage, type AttachmentStage } from './attachments.testing';

const image = png(640, 480);

let stage: AttachmentStage;

beforeAll(async () => {
  stage = await startAttachmentStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

describe('a file by a link', () => {
  const url = 'https://example.com/cat.png';

  it('is fetched, kept, and sent by its id', async () => {
    expect(await stage.post({ content: 'Look', attachments: [{ url }, { url, filename: 'tom.png' }] })).toMatchObject({
      status: 201,
    });
    expect(stage.calls.fetched).toMatchObject([
      { url, most: limits.modelFileBytes },
      { url, most: limits.modelFileBytes - 5 },
    ]);
    expect(stage.calls.finished).toMatchObject([{ filename: 'cat.png', stored_as: NIL }, { filename: 'tom.png' }]);
    expect(stage.idsSent()).toEqual(stage.calls.finished.map(({ id }) => id));
  });

  it('is fetched once for one Idempotency-Key', async () => {
    const again = () => stage.post({ content: 'Look', attachments: [{ url }] }, { 'idempotency-key': 'once' });
    expect([await again(), await again()]).toMatchObject([{ status: 201 }, { status: 201 }]);
    expect([stage.calls.fetched.length, stage.calls.finished.length, new Set(stage.idsSent()).size]).toEqual([1, 1, 1]);
  });

  it('that leads to none is refused by name, with what came before it', async () => {
    const answer = await stage.post({ content: 'Look', attachments: [{ url }, { url: 'https://example.com/gone' }] });
    expect(answer).toMatchObject({ status: 422, code: 'attachment_unreachable' });
    expect(stage.calls.released).toEqual([stage.calls.finished[0]?.id]);
    expect([stage.calls.discarded.length, stage.calls.sent]).toEqual([1, []]);
  });

  it('is no file where its name says that it is an image, and it is a text', async () => {
    stage.says.type = 'text/plain; charset=utf-8';
    const answer = await stage.post({ content: 'Look', attachments: [{ url, filename: 'cat.png' }] });
    expect(answer).toMatchObject({ status: 415 });
    expect(stage.calls.finished).toEqual([]);
  });
});

describe('attachments', () => {
  it.each<[string, object]>([
    ['of http', { url: 'http://example.com/cat.png' }],
    ['of another scheme', { url: 'file:///etc/passwd' }],
    ['of nothing', {}],
    ['of two things', { file_id: ID, url: 'https://example.com/' }],
    ['of a file that has its name', { file_id: ID, filename: 'x' }],
    ['of a data URL that is no base64', { url: 'data:text/plain,Hello' }],
    ['of an endless address', { url: `https://example.com/${'x'.repeat(3000)}` }],
  ])('%s are refused, and nothing is fetched or sent', async (_, attachment) => {
    const answer = await stage.post({ content: 'Look', attachments: [attachment] });
    expect(answer).toMatchObject({ status: 400, path: expect.stringMatching(/^attachments\.0/) });
    expect([stage.calls.fetched, stage.calls.sent]).toEqual([[], []]);
  });

  it.each<[string, object]>([
    ['ids', { file_id: ID }],
    ['data URLs', { url: dataUrl(image) }],
    ['links', { url: 'https://example.com/cat.png' }],
  ])('are no more than ten, be they %s', async (_, attachment) => {
    for (const many of [11, 1000]) {
      const answer = await stage.post({ content: 'Look', attachments: Array<object>(many).fill(attachment) });
      expect(answer).toMatchObject({ status: 400, path: 'attachments' });
    }
    expect([stage.calls.brought, stage.calls.fetched, stage.calls.sent]).toEqual([[], [], []]);
  });

  it.each<[string, unknown, string]>([
    ['no parts', [], 'content'],
    ['too many parts', Array<object>(51).fill({ type: 'text', text: 'x' }), 'content'],
    ['an unknown part', [{ type: 'input_audio' }], 'content.0.type'],
    ['a part without its text', [{ type: 'text' }], 'content.0.text'],
    ['an image without its address', [{ type: 'image_url' }], 'content.0.image_url'],
    [
      'a file that is nothing',
      [
        { type: 'text', text: 'x' },
        { type: 'file', file: {} },
      ],
      'attachments.0',
    ],
  ])('in parts are refused where there are %s', async (_, content, path) => {
    expect(await stage.post({ content })).toMatchObject({ status: 400, path });
  });
});
