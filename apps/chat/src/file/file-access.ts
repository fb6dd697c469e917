import { Injectable } from '@nestjs/common';
import { notFound, type ConversationRole } from '@taai/contracts';
import { auditUse } from '@taai/entities';
import { openPrivate, scopeOf, type Openers } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { FileRepository, type SeenFile, type StoredFile } from './file.repository';

const openers: Openers = { read: 'files:read_any', manage: 'files:manage_any' };

/** Whose files a caller may see and delete: their own; to read, those of conversations that they see; and by permission everybody's, audited. */
@Injectable()
export class FileAccess {
  constructor(
    private readonly db: DataSource,
    private readonly files: FileRepository,
  ) {}

  /** The file, if the caller may have it as `wanted`. Throws `not_found`, `forbidden`. */
  async open(id: string, wanted: ConversationRole): Promise<StoredFile> {
    const [file] = await this.openAll([id], wanted);
    if (!file) throw notFound('file');
    return file;
  }

  /** The files, in the order of the ids. Throws what `open` throws of any of them. */
  async openAll(ids: readonly string[], wanted: ConversationRole): Promise<StoredFile[]> {
    const found = await this.files.findFor(currentCaller().user_id ?? null, ids);
    const byId = new Map(found.map((file) => [file.id, file]));
    const opened: StoredFile[] = [];
    for (const id of ids) opened.push(await this.opened(byId.get(id), wanted));
    return opened;
  }

  /** The user whose files a list may show; undefined: everybody's. */
  scope(): string | undefined {
    return scopeOf(currentCaller(), openers.read);
  }

  /** Notes that the caller is shown these files, some of which may be theirs. */
  async auditList(files: readonly { id: string; user_id: string | null }[]): Promise<void> {
    const { tenant_id, user_id, issuer } = currentCaller();
    const foreign = issuer === 'gateway' ? files.filter((file) => file.user_id !== user_id) : [];
    if (foreign.length === 0) return;
    const after = { permission: openers.read, ids: foreign.map(({ id }) => id) };
    await auditUse(this.db, { action: 'file.listed', target: { type: 'tenant', id: tenant_id }, after });
  }

  private async opened(seen: SeenFile | undefined, wanted: ConversationRole): Promise<StoredFile> {
    if (!seen) throw notFound('file');
    const { role, ...file } = seen;
    const permission = openPrivate(currentCaller(), { noun: 'file', role }, wanted, openers);
    const target = { type: 'file', id: file.id };
    if (permission) await auditUse(this.db, { action: 'file.accessed', target, after: { permission } });
    return file;
  }
}
