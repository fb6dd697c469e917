import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  fileContract,
  ProblemError,
  type BroughtFile,
  type FilePlace,
  type FilePurpose,
  type InspectedFile,
  type ReceivedFile,
} from '@taai/contracts';
import { FILE_STORE, FileInspection, keyOfUpload, type FileStore } from '@taai/files';
import { reportError, RpcClient, type Client } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentCaller, currentContext, runAs } from '@taai/tenant';
import { drain } from './drain';
import type { FilePart } from './upload-form';

/** Its row is there. */
export interface BegunFile {
  id: string;
  /** An earlier request with the same Idempotency-Key has brought it: it need not be kept again. */
  isKept: boolean;
}

/** Its bytes are there, but nobody can reach them yet. */
export interface KeptFile extends InspectedFile {
  id: string;
  stored_as: string;
}

/** Has files kept: a row of chat's, then the bytes, then what they told. */
@Injectable()
export class FileReceiver {
  private readonly files: Client<typeof fileContract>;

  constructor(
    rpc: RpcClient,
    @Inject(FILE_STORE) private readonly store: FileStore,
  ) {
    this.files = rpc.for(fileContract);
  }

  /** Begins a file that comes along with a message. Throws what chat throws, and `forbidden` for who may not upload. */
  async begin(brought: BroughtFile): Promise<BegunFile> {
    authorize(fileContract.methods.create, currentCaller());
    const key = currentContext()?.idempotency_key;
    if (key === undefined) return { id: (await this.files.bring(brought)).id, isKept: false };
    const idempotency_key = `${createHash('sha256').update(key).digest('hex')}:${brought.number}`;
    const { id } = await this.files.bring(brought, { idempotency_key });
    return { id, isKept: await this.isThere(id) };
  }

  /** Keeps what comes. What fails leaves nothing, or a row for who may come again. Throws what inspection, store and source throw. */
  async keep({ id, isKept }: BegunFile, part: FilePart, signal: AbortSignal): Promise<KeptFile> {
    const stored_as = randomUUID();
    const inspection = new FileInspection(part);
    const key = keyOfUpload(currentCaller().tenant_id, { file_id: id, stored_as });
    try {
      if (isKept) await drain(inspection.pass(part.bytes));
      else await this.store.write(key, inspection.pass(part.bytes), signal);
      signal.throwIfAborted();
      return { id, stored_as, ...inspection.result() };
    } catch (error) {
      await this.forget({ file_id: id, stored_as });
      throw error;
    }
  }

  /** From here on chat decides what becomes of the bytes: whether it has noted them may be unknown. */
  async finish(kept: KeptFile, fields: { filename: string; purpose: FilePurpose }) {
    return this.files.finish({ ...kept, ...fields } satisfies ReceivedFile);
  }

  /** Who has left is not waited for. By its Idempotency-Key an upload can begin again, so that its row stays for a while. */
  async forget(place: Pick<FilePlace, 'file_id' | 'stored_as'>): Promise<void> {
    const caller = currentCaller();
    const mayComeAgain = currentContext()?.idempotency_key !== undefined;
    const forgetting = runAs(caller, async () => {
      await this.store.remove(keyOfUpload(caller.tenant_id, place));
      if (!mayComeAgain) await this.files.discard({ id: place.file_id });
    });
    await forgetting.catch((error: unknown) => reportError(error));
  }

  /** Deletes files that came along with a message that was refused. */
  async release(file_ids: string[]): Promise<void> {
    const caller = currentCaller();
    const releasing = runAs(caller, () => this.files.release({ file_ids }));
    await releasing.catch((error: unknown) => reportError(error));
  }

  /** Who may upload and not read is told nothing: then it is kept once more, and dropped. */
  private async isThere(id: string): Promise<boolean> {
    try {
      return (await this.files.describe({ file_ids: [id] })).data.length > 0;
    } catch (error) {
      if (error instanceof ProblemError && ['not_found', 'forbidden'].includes(error.code)) return false;
      throw error;
    }
  }
}
