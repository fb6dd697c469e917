import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ProblemError, type Attachment, type FilePlace } from '@taai/contracts';
import { keyOfUpload } from '@taai/files';
import { pdf, png, temporaryStore } from '@taai/files-testing';
import { v7 } from 'uuid';
import type { SandboxKind } from '../../../../scripts/sandbox/base-url';
import type { Files } from '../file/files';
import {
  ledger,
  newAgent,
  providerCalls,
  startStage,
  watch,
  type Replica,
  type Stage,
  type User,
} from '../replica.testing';

let stage: Stage;
let kept: Awaited<ReturnType<typeof temporaryStore>>;

/** Chat, as far as the orchestrator sees it: what there is, everybody may read. */
class FakeFiles implements Files {
  readonly places: FilePlace[] = [];

  async describe({ file_ids }: { file_ids: string[] }): Promise<{ data: Attachment[] }> {
    const data = this.places.filter(({ file_id }) => file_ids.includes(file_id));
    if (data.length < file_ids.length) throw new ProblemError('not_found', 'There is no such file.');
    return { data: data.map(({ stored_as: _, ...attachment }) => attachment) };
  }

  async locate({ file_ids }: { file_ids: string[] }): Promise<{ data: FilePlace[] }> {
    return { data: this.places.filter(({ file_id }) => file_ids.includes(file_id)) };
  }
}

const files = new FakeFiles();

beforeAll(async () => {
  kept = await temporaryStore();
  stage = await startStage();
});
afterAll(async () => {
  await stage.close();
  await kept.drop();
});

async function keep({ tenant_id }: User, filename: string, content_type: string, bytes: Buffer): Promise<string> {
  const place = { file_id: v7(), stored_as: v7(), filename, content_type, bytes: bytes.length };
  await kept.store.write(keyOfUpload(tenant_id, place), Readable.from([bytes]), new AbortController().signal);
  files.places.push(place);
  return place.file_id;
}

const mediumOf = (media_type: string, bytes: Buffer) => ({
  media_type,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

async function on(kind: SandboxKind) {
  const user = await stage.newUser();
  const replica: Replica = await stage.replica({}, [stage.firstKey], { files, store: kept.store });
  const agent = await newAgent(user, replica, stage, kind);
  const ask = async (input: string, ...ids: string[]) => {
    const attachments = ids.map((file_id) => ({ file_id }));
    const { id } = await user.as(() => replica.starter.start({ id: agent.id, input, attachments }));
    await watch(user, replica, id);
    return user.as(() => replica.runs.get(id));
  };
  return { user, ask };
}

describe('a run with attachments', () => {
  it.each<[SandboxKind, string]>([
    ['openai', 'image/png'],
    ['anthropic', 'image/png'],
    ['google', 'image/png'],
    ['groq', 'image/png'],
    ['ollama', ''],
  ])('shows %s the image', async (kind, type) => {
    const { user, ask } = await on(kind);
    const image = await keep(user, 'cat.png', 'image/png', png(3, 2));
    const run = await ask(`Look, ${kind}`, image);
    expect(run).toMatchObject({ status: 'completed', input: `Look, ${kind}` });
    const [call] = await providerCalls(stage, `Look, ${kind}`);
    expect(call?.messages.at(-1)?.media).toEqual([mediumOf(type, png(3, 2))]);
  });

  it.each<SandboxKind>(['openai', 'anthropic', 'google'])('shows %s the PDF and the text', async (kind) => {
    const { user, ask } = await on(kind);
    const ids = [
      await keep(user, 'a.pdf', 'application/pdf', pdf),
      await keep(user, 'a.txt', 'text/plain; charset=utf-8', Buffer.from('Forty-two')),
    ];
    expect(await ask(`Read, ${kind}`, ...ids)).toMatchObject({ status: 'completed' });
    const [call] = await providerCalls(stage, `Read, ${kind}`);
    expect(call?.messages.at(-1)?.media).toEqual([mediumOf('application/pdf', pdf)]);
    expect(call?.messages.at(-1)?.content).toContain('File "a.txt":\nForty-two');
  });

  it.each<SandboxKind>(['openai', 'anthropic', 'google', 'groq', 'ollama'])(
    'shows %s files that nobody says a word to',
    async (kind) => {
      const { user, ask } = await on(kind);
      const text = await keep(user, 'a.txt', 'text/plain; charset=utf-8', Buffer.from(`Wordless, ${kind}`));
      expect(await ask('', await keep(user, 'cat.png', 'image/png', png(3, 2)), text)).toMatchObject({
        status: 'completed',
      });
      const [call] = await providerCalls(stage, `Wordless, ${kind}`);
      expect(call?.messages.at(-1)?.media).toHaveLength(1);
    },
  );

  it.each<SandboxKind>(['groq', 'ollama'])('fails where %s takes no PDF', async (kind) => {
    const { user, ask } = await on(kind);
    const run = await ask(`Try, ${kind}`, await keep(user, 'a.pdf', 'application/pdf', pdf));
    const failure = { error_code: 'invalid_request', error_detail: 'The provider takes no PDFs.' };
    expect(run).toMatchObject({ status: 'failed', ...failure });
    expect(await ledger(stage, run.id)).toMatchObject([{ error_code: 'invalid_request', input_tokens: 0 }]);
    expect(await providerCalls(stage, `Try, ${kind}`)).toEqual([]);
  });

  it('is not started for files that its starter may not read', async () => {
    const { ask } = await on('openai');
    await expect(ask('Steal', v7())).rejects.toMatchObject({ code: 'not_found' });
  });

  it('keeps the ids of its files, and none of their bytes', async () => {
    const { user, ask } = await on('openai');
    const { id } = await ask('Keep', await keep(user, 'cat.png', 'image/png', png(3, 2)));
    const { rows } = await stage.admin.query<{ input: string }>('select input::text from agent_runs where id = $1', [
      id,
    ]);
    expect(rows[0]?.input).toContain('stored_file');
    expect(rows[0]?.input).not.toContain(png(3, 2).toString('base64').slice(0, 20));
  });
});
