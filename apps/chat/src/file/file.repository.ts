import { Injectable } from '@nestjs/common';
import type { Attachment, ConversationRole, FileObject, FilePlace, ReceivedFile } from '@taai/contracts';
import { filtered, FileEntity, RlsPool, Rows, sql, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';

const stored = [
  'id',
  'user_id',
  'status',
  'filename',
  'purpose',
  'content_type',
  'bytes',
  'sha256',
  'stored_as',
  'created_at',
] as const;
const files = new Rows(FileEntity, stored);

export type StoredFile = Pick<FileEntity, (typeof stored)[number]>;

/** A file, and what the user who asks for it is to it. */
export type SeenFile = StoredFile & { role: ConversationRole | null };

const shown = `f.id, 'file' as object, f.bytes, f.created_at, f.filename, f.purpose, f.content_type, f.user_id`;

const FIND_FOR = sql(`
  select ${stored.map((name) => `f.${name}`).join(', ')}, case
    when f.user_id = $1 then 'owner'
    when exists (
      select from conversation_files c
      join conversation_participants p on p.tenant_id = c.tenant_id and p.conversation_id = c.conversation_id
      where c.file_id = f.id and p.user_id = $1
    ) then 'reader' end as role
  from files f where f.id = any($2) and f.status = 'ready'`);

const page = filtered<{ user_id?: string; after?: string }>(
  `select ${shown} from files f where f.status = 'ready'`,
  { user_id: (id) => `f.user_id = ${id}`, after: (id) => `f.id < ${id}` },
  'order by f.id desc limit $1',
);

const LOCATE = sql(`
  select f.id as file_id, f.filename, f.content_type, f.bytes, f.stored_as from files f
  where f.id = any($1) and f.status = 'ready'`);

const LOCATE_ACTIVE = sql(`
  select f.id as file_id, f.filename, f.content_type, f.bytes, f.stored_as from files f
  where f.id = $1 and f.status = 'ready' and exists (select from tenants t where t.id = f.tenant_id and t.status = 'active')`);

const ROOM = sql(`
  select ((p.limits || s.limits) ->> 'stored_file_bytes')::float as most,
    (select coalesce(sum(bytes), 0)::float from files where status = 'ready') as used,
    (select count(*)::int from files where status = 'uploading' and created_at > now() - interval '10 minutes') as uploads
  from subscriptions s join plans p on p.id = s.plan_id where s.status <> 'ended'`);
const LOCK_ROOM = sql(`select pg_advisory_xact_lock(hashtextextended('stored files ' || $1, 0))`);

/** An upload that was swept, but whose client came again by its Idempotency-Key, has its row again. */
const FINISH = sql(`
  insert into files as f (tenant_id, id, user_id, status, filename, purpose, content_type, bytes, sha256, stored_as)
  values ($1, $2, $3, 'ready', $4, $5, $6, $7, $8, $9)
  on conflict (tenant_id, id) do update set status = 'ready', filename = excluded.filename, purpose = excluded.purpose,
    content_type = excluded.content_type, bytes = excluded.bytes, sha256 = excluded.sha256, stored_as = excluded.stored_as
  where f.status = 'uploading'
  returning ${shown}`);

const ATTACH = sql(`
  insert into conversation_files (tenant_id, conversation_id, file_id)
  select $1, $2, f.id from files f where f.id = any($3) and f.status = 'ready' for key share
  on conflict do nothing`);

const DISCARD = sql(`delete from files where id = $1 and status = 'uploading' returning id`);

const DUE = sql('select tenant_id, id from due_files($1, $2)');

const FORSAKE = sql(`
  update files set status = 'deleting' where id = any($1)
    and (status = 'deleting' or (status = 'uploading' and created_at < now() - make_interval(secs => $2)))
  returning id`);

const RELEASE = sql(`
  update files f set status = 'deleting' where f.id = any($1) and f.status = 'ready' and f.user_id = $2
    and not exists (select from conversation_files c where c.file_id = f.id)
  returning id`);

const SOME = sql('select id from files limit $1');

const REMOVE = sql('delete from files where id = any($1) returning id');

/** What the tenant keeps, and may keep. */
export interface Room {
  /** Bytes; null: as many as there are. */
  most: number | null;
  used: number;
  /** Under way: of those that broke off, the ones of the last ten minutes. */
  uploads: number;
}

@Injectable()
export class FileRepository {
  constructor(
    private readonly rls: RlsPool,
    private readonly db: DataSource,
  ) {}

  insert(tx: Tx, user_id: string | null): Promise<StoredFile> {
    return files.insert(tx, { user_id });
  }

  /** Those of these ids that are there. */
  findFor(user_id: string | null, ids: readonly string[]): Promise<SeenFile[]> {
    return this.rls.read<SeenFile>(FIND_FOR, [user_id, ids]);
  }

  /** Those of a user, or everybody's; newest first. */
  page(filters: Parameters<typeof page>[0], limit: number): Promise<FileObject[]> {
    return this.rls.read<FileObject>(...page(filters, limit));
  }

  locate(ids: readonly string[]): Promise<FilePlace[]> {
    return this.rls.read<FilePlace>(LOCATE, [ids]);
  }

  /** The same of one file, of a tenant that is neither suspended nor being deleted. */
  async locateActive(id: string): Promise<FilePlace | undefined> {
    const [place] = await this.rls.read<FilePlace>(LOCATE_ACTIVE, [id]);
    return place;
  }

  /** What the tenant's files come to. Others that ask with a lock wait until the transaction ends. */
  async room(tx: Tx, { lock }: { lock: boolean }): Promise<Room> {
    if (lock) await tx.read(LOCK_ROOM, [tx.tenant_id]);
    const [room] = await tx.read<Room>(ROOM);
    return room ?? { most: null, used: 0, uploads: 0 };
  }

  lock(tx: Tx, id: string): Promise<StoredFile | undefined> {
    return files.lock(tx, { id });
  }

  /** Undefined for a file that came to its end before, or is about to go. */
  async finish(tx: Tx, user_id: string | null, file: ReceivedFile): Promise<FileObject | undefined> {
    const { id, filename, purpose, content_type, bytes, sha256, stored_as } = file;
    const values = [tx.tenant_id, id, user_id, filename, purpose, content_type, bytes, sha256, stored_as];
    const [finished] = await tx.write<FileObject>(FINISH, values);
    return finished;
  }

  /** Lets who sees the conversation read the files. */
  async attach(tx: Tx, conversation_id: string, attachments: readonly Attachment[]): Promise<void> {
    if (attachments.length > 0)
      await tx.write(ATTACH, [tx.tenant_id, conversation_id, attachments.map(({ file_id }) => file_id)]);
  }

  async discard(id: string): Promise<void> {
    await this.rls.write(DISCARD, [id]);
  }

  /** Files of all tenants whose bytes have to go. */
  due(older_than_seconds: number, batch: number): Promise<{ tenant_id: string; id: string }[]> {
    return this.db.query(DUE, [older_than_seconds, batch]);
  }

  /** Marks these files, as far as they are due, so that nobody can finish them any more. Resolves to those that are marked. */
  async forsake(tx: Tx, ids: readonly string[], older_than_seconds: number): Promise<string[]> {
    return idsOf(await tx.write<{ id: string }>(FORSAKE, [ids, older_than_seconds]));
  }

  async markDeleted(tx: Tx, id: string): Promise<boolean> {
    return (await files.update(tx, { id, status: 'ready' }, { status: 'deleting' })) !== undefined;
  }

  /** Marks files of the user's that no conversation has. Resolves to those that are marked. */
  async release(tx: Tx, user_id: string | null, ids: readonly string[]): Promise<string[]> {
    return idsOf(await tx.write<{ id: string }>(RELEASE, [ids, user_id]));
  }

  async some(tx: Tx, batch: number): Promise<string[]> {
    return idsOf(await tx.read<{ id: string }>(SOME, [batch]));
  }

  /** Removes the rows of files whose bytes are gone. */
  async remove(tx: Tx, ids: readonly string[]): Promise<number> {
    return (await tx.write(REMOVE, [ids])).length;
  }
}

const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
