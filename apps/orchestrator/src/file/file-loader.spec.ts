import { Readable } from 'node:stream';
import { limits, ProblemError, type Attachment, type FilePlace } from '@taai/contracts';
import { keyOfUpload } from '@taai/files';
import { temporaryStore } from '@taai/files-testing';
import type { ChatMessage } from '@taai/providers';
import { runAs } from '@taai/tenant';
import { v7 } from 'uuid';
import { FileLoader } from './file-loader';
import { toRunMessage, type RunMessage } from './stored-file';

const tenant_id = v7();
const ever = new AbortController().signal;

let kept: Awaited<ReturnType<typeof temporaryStore>>;
let loader: FileLoader;
let located: FilePlace[];
let failures: Error[];

beforeAll(async () => (kept = await temporaryStore()));
afterAll(() => kept.drop());
beforeEach(() => {
  [located, failures] = [[], []];
  const locate = async ({ file_ids }: { file_ids: string[] }) => {
    const failure = failures.shift();
    if (failure) throw failure;
    return { data: located.filter(({ file_id }) => file_ids.includes(file_id)) };
  };
  loader = new FileLoader({ locate, describe: () => Promise.reject(new Error('Nobody asks.')) }, kept.store);
});

/** A file that is there. */
async function keep(filename: string, content_type: string, content: string | Buffer): Promise<Attachment> {
  const bytes = Buffer.from(content);
  const place = { file_id: v7(), stored_as: v7(), filename, content_type, bytes: bytes.length };
  await kept.store.write(keyOfUpload(tenant_id, place), Readable.from([bytes]), ever);
  located.push(place);
  const { file_id, bytes: size } = place;
  return { file_id, filename, content_type, bytes: size };
}

const said = (content: string, ...attachments: Attachment[]) => toRunMessage({ role: 'user', content, attachments });

const load = (messages: RunMessage[], signal = ever): Promise<ChatMessage[]> =>
  runAs({ tenant_id, permissions: [], issuer: 'orchestrator' }, () =>
    loader.load(messages, signal, async (shown) => shown),
  );

const contentOf = async (...messages: RunMessage[]) => (await load(messages)).map(({ content }) => content);

describe('the files of messages', () => {
  it('are shown as what they are, before what was said', async () => {
    const image = await keep('cat.png', 'image/png', 'png');
    const report = await keep('report.pdf', 'application/pdf', 'pdf');
    const notes = await keep('notes "1".txt', 'text/plain; charset=utf-8', 'Grüße');
    expect(await contentOf(said('Look', image, report, notes))).toEqual([
      [
        { type: 'image', url: `data:image/png;base64,${btoa('png')}` },
        { type: 'file', filename: 'report.pdf', media_type: 'application/pdf', data: btoa('pdf') },
        { type: 'text', text: 'File "notes \\"1\\".txt":\nGrüße\n' },
        { type: 'text', text: 'Look' },
      ],
    ]);
  });

  it('are no matter where there are none: nobody is asked', async () => {
    failures.push(new Error('It was asked.'));
    const messages: RunMessage[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hello!' },
    ];
    expect(await load(messages)).toEqual(messages);
  });

  it('are named where they were deleted, or are not what was noted', async () => {
    const [gone, lost, short] = [
      await keep('gone.txt', 'text/plain; charset=utf-8', 'a'),
      await keep('lost.txt', 'text/plain; charset=utf-8', 'a'),
      await keep('short.txt', 'text/plain; charset=utf-8', 'a'),
    ];
    located = located.filter(({ file_id }) => file_id !== gone.file_id);
    await kept.store.remove(`${tenant_id}/${lost.file_id}`);
    located = located.map((place) => (place.file_id === short.file_id ? { ...place, bytes: 2 } : place));
    const [content] = await contentOf(said('Look', gone, lost, short));
    expect(content).toEqual([
      { type: 'text', text: 'File "gone.txt" is not there any more.\n' },
      { type: 'text', text: 'File "lost.txt" is not there any more.\n' },
      { type: 'text', text: 'File "short.txt" is not there any more.\n' },
      { type: 'text', text: 'Look' },
    ]);
  });

  it('are shown once, the newest ones first, as many as fit', async () => {
    const half = Buffer.alloc(limits.modelFileBytes / 2, 'x');
    const [old, one, two] = [
      await keep('old.txt', 'text/plain; charset=utf-8', 'old'),
      await keep('one.txt', 'text/plain; charset=utf-8', half),
      await keep('two.txt', 'text/plain; charset=utf-8', half),
    ];
    const contents = await contentOf(said('1', old), said('2', one), said('3', two, one));
    const starts = contents.map((content) =>
      typeof content === 'string'
        ? content
        : content.map((part) => (part.type === 'text' ? part.text.slice(0, 45) : '')),
    );
    expect(starts).toEqual([
      ['File "old.txt" is left out: newer files take ', '1'],
      ['File "one.txt" is shown further down.\n', '2'],
      [expect.stringContaining('File "two.txt":\nxxx'), expect.stringContaining('File "one.txt":\nxxx'), '3'],
    ]);
  });

  it('are read again while chat does not answer', async () => {
    failures.push(new ProblemError('service_unavailable'));
    const file = await keep('a.txt', 'text/plain; charset=utf-8', 'a');
    expect(await contentOf(said('Look', file))).toMatchObject([[{ text: 'File "a.txt":\na\n' }, { text: 'Look' }]]);
  });

  it('are not waited for by a run that is stopped', async () => {
    const file = await keep('a.txt', 'text/plain; charset=utf-8', 'a');
    await expect(load([said('Look', file)], AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});
