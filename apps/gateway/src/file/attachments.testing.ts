import { ProblemError, type BroughtFile, type FetchLink, type ReceivedFile, type SendMessage } from '@taai/contracts';
import { temporaryStore } from '@taai/files-testing';
import { until } from '@taai/platform-testing';
import { NIL, v7 } from 'uuid';
import { bearer, startEdge } from '../http/http.testing';

export const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
export const PATH = `/v1/conversations/${ID}/messages`;

export const dataUrl = (bytes: Buffer, type = 'image/png') => `data:${type};base64,${bytes.toString('base64')}`;

/** A gateway, with chat and the orchestrator as far as it sees them. */
export async function startAttachmentStage() {
  const kept = await temporaryStore();
  const calls = {
    brought: [] as BroughtFile[],
    finished: [] as ReceivedFile[],
    discarded: [] as string[],
    released: [] as string[],
    fetched: [] as FetchLink[],
    sent: [] as SendMessage[],
  };
  /** What chat refuses a message with, and what links lead to. */
  const says: { refusal: ProblemError | undefined; type: string } = { refusal: undefined, type: 'image/png' };
  /** Answers of `bring` by their key, as the real one keeps them. */
  const byKey = new Map<string, string>();

  const methods = {
    bring: async (input: BroughtFile, { idempotency_key }: { idempotency_key?: string } = {}) => {
      calls.brought.push(input);
      const id = byKey.get(idempotency_key ?? '') ?? v7();
      if (idempotency_key) byKey.set(idempotency_key, id);
      return { id };
    },
    describe: async ({ file_ids }: { file_ids: string[] }) => {
      const data = calls.finished.filter(({ id }) => file_ids.includes(id));
      if (data.length === 0) throw new ProblemError('not_found');
      return { data };
    },
    finish: async (received: ReceivedFile) => void calls.finished.push(received),
    discard: async ({ id }: { id: string }) => void calls.discarded.push(id),
    release: async ({ file_ids }: { file_ids: string[] }) => void calls.released.push(...file_ids),
    fetch: async (link: FetchLink) => {
      calls.fetched.push(link);
      if (link.url.includes('gone')) throw new ProblemError('attachment_unreachable', 'The server answered 404.');
      return { filename: 'cat.png', content_type: says.type, bytes: 5, sha256: 'x', stored_as: NIL };
    },
    send: async (input: SendMessage) => {
      if (says.refusal) throw says.refusal;
      calls.sent.push(input);
      return { message: { id: ID, conversation_id: ID }, reply: null, run_id: ID };
    },
    reply: async () => ({ reply: null }),
  };
  const edge = await startEdge({}, { methods, store: kept.store });

  return {
    calls,
    says,
    edge,
    kept: kept.kept,
    async post(body: object | string, headers: Record<string, string> = {}, path = PATH) {
      const json = typeof body === 'string' ? body : JSON.stringify(body);
      const all = { ...bearer, 'content-type': 'application/json', ...headers };
      const { status, text } = await edge.fetch(path, { method: 'POST', body: json, headers: all });
      const problem = JSON.parse(text.startsWith('{') ? text : '{}') as { code?: string; errors?: { path: string }[] };
      return { status, code: problem.code, path: problem.errors?.[0]?.path };
    },
    /** Ids of the files that messages were sent with. */
    idsSent: () => calls.sent.flatMap(({ attachments = [] }) => attachments.map(({ file_id }) => file_id)),
    /** That nothing is left of what came: chat sees to what it was told to release. */
    nothingIsKept: () =>
      until(async () => {
        const rows = calls.brought.length - calls.discarded.length - calls.released.length;
        return rows === 0 && (calls.released.length > 0 || (await kept.kept()).length === 0);
      }),
    async reset() {
      Object.assign(says, { refusal: undefined, type: 'image/png' });
      byKey.clear();
      for (const list of Object.values(calls)) list.length = 0;
      await kept.store.remove(NIL);
    },
    async close() {
      await edge.close();
      await kept.drop();
    },
  };
}

export type AttachmentStage = Awaited<ReturnType<typeof startAttachmentStage>>;
