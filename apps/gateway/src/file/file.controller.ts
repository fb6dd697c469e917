import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Controller, Inject, Req, Res } from '@nestjs/common';
import {
  bind,
  ByFileToken,
  ById,
  fileContract,
  notFound,
  ProblemError,
  UploadFile,
  type FileObject,
  type FilePlace,
  type LinkedFile,
  type ReceivedFile,
} from '@taai/contracts';
import { FILE_STORE, FileInspection, keyOfUpload, type FileStore } from '@taai/files';
import { reportError, RpcClient } from '@taai/platform';
import { currentCaller, currentContext, runAs } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GATEWAY_CONFIG } from '../access/principals';
import type { GatewayConfig } from '../config';
import { takeIdempotencyKey } from '../http/request-hooks';
import { ContractRoute, Input } from '../route/route';
import { validated } from '../route/validation';
import { OpenStreams } from '../stream/open-streams';
import { beginAnswer, writeAll } from '../stream/writer';
import { attachmentNamed } from './content-disposition';
import { lingerAfter } from './linger';
import { UploadForm } from './upload-form';

/** Carries files between clients and the store, piece by piece; whose they are, chat knows. */
@Controller()
export class FileController {
  private readonly files;

  constructor(
    rpc: RpcClient,
    private readonly streams: OpenStreams,
    @Inject(FILE_STORE) private readonly store: FileStore,
    @Inject(GATEWAY_CONFIG) private readonly config: Pick<GatewayConfig, 'fileLimitBytes'>,
  ) {
    this.files = rpc.for(fileContract);
  }

  @ContractRoute(bind(fileContract, 'create'))
  async upload(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<FileObject> {
    takeIdempotencyKey(request);
    try {
      return await this.streams.run(reply, (signal) => this.receive(request.raw, signal));
    } catch (error) {
      lingerAfter(request.raw, reply.raw);
      throw error;
    }
  }

  @ContractRoute(bind(fileContract, 'content'))
  async download(@Input() { id }: ById, @Res() reply: FastifyReply): Promise<void> {
    const place = await this.files.content({ id });
    const { tenant_id } = currentCaller();
    await this.streams.run(reply, (signal) => this.send(reply, { ...place, tenant_id }, signal));
  }

  /** Nobody's access can end: the file goes to whoever has its address, until they leave. */
  @ContractRoute(bind(fileContract, 'linked'))
  async downloadLinked(@Input() { token }: ByFileToken, @Res() reply: FastifyReply): Promise<void> {
    const place = await this.files.linked({ token });
    const control = new AbortController();
    reply.raw.once('close', () => control.abort(new ProblemError('cancelled')));
    await this.send(reply, place, control.signal);
  }

  /** The row comes before the bytes, so that what never comes to its end is found and swept. */
  private async receive(request: IncomingMessage, signal: AbortSignal): Promise<FileObject> {
    let received: ReceivedFile;
    const form = new UploadForm(request, this.config.fileLimitBytes, signal);
    const part = await form.file();
    const { id } = await this.files.create({});
    const place = { file_id: id, stored_as: randomUUID() };
    const inspection = new FileInspection(part);
    try {
      await this.store.write(keyOfUpload(currentCaller().tenant_id, place), inspection.pass(part.bytes), signal);
      const { purpose = 'user_data' } = validated(UploadFile, await form.fields());
      signal.throwIfAborted();
      received = { id, filename: part.filename, purpose, stored_as: place.stored_as, ...inspection.result() };
    } catch (error) {
      await this.forget(place).catch((failure: unknown) => reportError(failure));
      throw error;
    }
    // From here on chat decides what becomes of the bytes: whether it has noted them may be unknown.
    return this.files.finish(received);
  }

  /** Who has left is not waited for. By its Idempotency-Key an upload can begin again, so that its row stays for a while. */
  private forget(place: Pick<FilePlace, 'file_id' | 'stored_as'>): Promise<void> {
    const caller = currentCaller();
    const mayComeAgain = currentContext()?.idempotency_key !== undefined;
    return runAs(caller, async () => {
      await this.store.remove(keyOfUpload(caller.tenant_id, place));
      if (!mayComeAgain) await this.files.discard({ id: place.file_id });
    });
  }

  private async send(reply: FastifyReply, place: LinkedFile, signal: AbortSignal): Promise<void> {
    const bytes = await this.store.read(keyOfUpload(place.tenant_id, place), signal);
    if (!bytes) throw notFound('file');
    beginAnswer(reply, {
      'content-type': place.content_type,
      'content-length': place.bytes,
      'content-disposition': attachmentNamed(place.filename),
      'cache-control': 'private, no-store',
    });
    await writeAll<Buffer>(reply, bytes, { format: (chunk) => chunk, signal });
    reply.raw.end();
  }
}
