import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  limits,
  ProblemError,
  type Attachment,
  type BroughtFile,
  type CreateFileUrl,
  type FileObject,
  type FilePlace,
  type FileUrl,
  type LinkedFile,
  type PageOf,
  type PageQuery,
  type ReceivedFile,
} from '@taai/contracts';
import { idAfter, toPage, withTenant, type Tx } from '@taai/entities';
import { FILE_STORE, keyOfFile, keyOfUpload, type FileStore } from '@taai/files';
import { reportError } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ConversationAccess } from '../conversation/conversation-access';
import { FileAccess } from './file-access';
import { FileLinks } from './file-links';
import { FileRepository, type Room, type StoredFile } from './file.repository';

const MS = 1000;

/** Files: their rows, and what becomes of their bytes. A row comes before the bytes and goes after them, so that none are forgotten. */
@Injectable()
export class FileService {
  constructor(
    private readonly db: DataSource,
    private readonly files: FileRepository,
    private readonly access: FileAccess,
    private readonly conversations: ConversationAccess,
    @Inject(FILE_STORE) private readonly store: FileStore,
    private readonly links: FileLinks,
  ) {}

  /** Begins an upload. Throws `storage_full` for who keeps too much already, or has too many under way. */
  create(): Promise<FileObject> {
    const { user_id = null } = currentCaller();
    return withTenant(this.db, async (tx) => {
      const room = await this.files.room(tx, { lock: false });
      assertRoom(room, 1);
      if (room.uploads >= limits.uploads)
        throw new ProblemError(
          'storage_full',
          `${limits.uploads} uploads are under way, or broke off in the last ten minutes.`,
        );
      return shown(await this.files.insert(tx, user_id));
    });
  }

  /** Begins the upload of a file that comes along with a message. Throws what `create` throws, and `not_found` and `forbidden` of the conversation. */
  async bring({ conversation_id }: BroughtFile): Promise<FileObject> {
    await this.conversations.open(conversation_id, 'writer');
    return this.create();
  }

  /** Deletes files of the caller's own that came along with a message that does not have them. */
  async release(ids: readonly string[]): Promise<void> {
    const { tenant_id, user_id = null } = currentCaller();
    const released = await withTenant(this.db, (tx) => this.files.release(tx, user_id, ids));
    await this.erase(tenant_id, released).catch((error: unknown) => reportError(error));
  }

  /**
   * Notes what an upload brought. Of repetitions by one Idempotency-Key one is the file; the bytes of the others go.
   * Throws `storage_full`, and `idempotency_mismatch` when the file is another one.
   */
  async finish(received: ReceivedFile): Promise<FileObject> {
    try {
      const { file, isNew } = await withTenant(this.db, (tx) => this.note(tx, received));
      if (!isNew) await this.drop(received);
      return file;
    } catch (error) {
      if (error instanceof ProblemError && error.status < 500) await this.drop(received);
      throw error;
    }
  }

  async discard(id: string): Promise<void> {
    await this.files.discard(id);
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<FileObject>> {
    const user_id = this.access.scope();
    const after = idAfter(cursor);
    const rows = await this.files.page({ ...(user_id && { user_id }), ...(after && { after }) }, limit + 1);
    const page = toPage(rows, limit, ({ id }) => [id]);
    if (!user_id) await this.access.auditList(page.data);
    return page;
  }

  async get(id: string): Promise<FileObject> {
    return shown(await this.access.open(id, 'reader'));
  }

  async content(id: string): Promise<FilePlace> {
    return placeOf(await this.access.open(id, 'reader'));
  }

  async createUrl({ id: file_id, expires_in = limits.defaultFileUrlSeconds }: CreateFileUrl): Promise<FileUrl> {
    await this.access.open(file_id, 'reader');
    const expires = Math.floor(Date.now() / MS) + expires_in;
    const token = this.links.sign({ tenant_id: currentCaller().tenant_id, file_id, expires });
    return { url: `/v1/file-links/${token}`, expires_at: new Date(expires * MS) };
  }

  /** Throws `not_found` for a link that nobody has made, that has expired, and whose file or tenant is gone. */
  async linked(token: string): Promise<LinkedFile> {
    const { tenant_id, file_id } = found('file', this.links.read(token));
    const caller = { tenant_id, permissions: [], issuer: 'chat' as const };
    const place = await runAs(caller, () => this.files.locateActive(file_id));
    return { tenant_id, ...found('file', place) };
  }

  /** The bytes go at once, if the store answers; else the sweep sees to it. */
  async remove(id: string): Promise<void> {
    await this.access.open(id, 'owner');
    const { tenant_id } = currentCaller();
    if (!(await withTenant(this.db, (tx) => this.files.markDeleted(tx, id)))) return;
    await this.erase(tenant_id, [id]).catch((error: unknown) => reportError(error));
  }

  /** What messages keep of files that the caller may read, in the order of the ids. Throws `not_found`, and `validation_failed` for more than a model is given. */
  async describe(ids: readonly string[]): Promise<Attachment[]> {
    if (ids.length === 0) return [];
    const files = (await this.access.openAll(ids, 'reader')).map(attachmentOf);
    if (files.reduce((sum, { bytes }) => sum + bytes, 0) > limits.modelFileBytes)
      throw invalidField('attachments', `must have no more than ${limits.modelFileBytes} bytes together`);
    return files;
  }

  locate(ids: readonly string[]): Promise<FilePlace[]> {
    return this.files.locate(ids);
  }

  async kept(): Promise<number> {
    return (await withTenant(this.db, (tx) => this.files.room(tx, { lock: false }))).used;
  }

  /** Removes bytes and rows of files that nobody can reach any more. Resolves to their number. */
  async erase(tenant_id: string, ids: readonly string[]): Promise<number> {
    for (const id of ids) await this.store.remove(keyOfFile(tenant_id, id));
    return withTenant(this.db, (tx) => this.files.remove(tx, ids));
  }

  private async note(tx: Tx, received: ReceivedFile): Promise<{ file: FileObject; isNew: boolean }> {
    const known = await this.files.lock(tx, received.id);
    if (known?.status === 'ready') return { file: shown(assertSame(known, received)), isNew: false };
    assertRoom(await this.files.room(tx, { lock: true }), received.bytes);
    const { user_id = null } = currentCaller();
    const file = await this.files.finish(tx, user_id, received);
    if (!file) throw new ProblemError('conflict', 'The file is being deleted.');
    return { file, isNew: true };
  }

  private drop({ id: file_id, stored_as }: ReceivedFile): Promise<void> {
    return this.store.remove(keyOfUpload(currentCaller().tenant_id, { file_id, stored_as }));
  }
}

function assertRoom({ most, used }: Room, bytes: number): void {
  if (most !== null && used + bytes > most)
    throw new ProblemError('storage_full', `The tenant keeps ${used} of ${most} bytes already.`);
}

function assertSame(known: StoredFile, { sha256, filename, purpose }: ReceivedFile): StoredFile {
  if (known.sha256 === sha256 && known.filename === filename && known.purpose === purpose) return known;
  throw new ProblemError('idempotency_mismatch', 'The Idempotency-Key was used for another file.');
}

const shown = ({ id, bytes, created_at, filename, purpose, content_type, user_id }: StoredFile): FileObject => ({
  id,
  object: 'file',
  bytes,
  created_at,
  filename,
  purpose,
  content_type,
  user_id,
});

const attachmentOf = ({ id: file_id, filename, content_type, bytes }: StoredFile): Attachment => ({
  file_id,
  filename,
  content_type,
  bytes,
});

function placeOf(file: StoredFile): FilePlace {
  if (file.stored_as === null) throw new Error('A file that is there was uploaded.');
  return { ...attachmentOf(file), stored_as: file.stored_as };
}
