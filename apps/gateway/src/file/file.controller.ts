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
  type LinkedFile,
} from '@taai/contracts';
import { FILE_STORE, keyOfUpload, type FileStore } from '@taai/files';
import { RpcClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GATEWAY_CONFIG } from '../access/principals';
import type { GatewayConfig } from '../config';
import { takeIdempotencyKey } from '../http/request-hooks';
import { ContractRoute, Input } from '../route/route';
import { validated } from '../route/validation';
import { OpenStreams } from '../stream/open-streams';
import { beginAnswer, writeAll } from '../stream/writer';
import { attachmentNamed } from './content-disposition';
import { FileReceiver, type KeptFile } from './file-receiver';
import { lingerAfter } from './linger';
import { UploadForm } from './upload-form';

/** Carries files between clients and the store, piece by piece; whose they are, chat knows. */
@Controller()
export class FileController {
  private readonly files;

  constructor(
    rpc: RpcClient,
    private readonly streams: OpenStreams,
    private readonly receiver: FileReceiver,
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
    const form = new UploadForm(request, this.config.fileLimitBytes, signal);
    const part = await form.file();
    const { id } = await this.files.create({});
    const kept = await this.receiver.keep({ id, isKept: false }, part, signal);
    const { purpose = 'user_data' } = await this.fieldsOf(form, kept, signal);
    return this.receiver.finish(kept, { filename: part.filename, purpose });
  }

  private async fieldsOf(form: UploadForm, { id: file_id, stored_as }: KeptFile, signal: AbortSignal) {
    try {
      const fields = validated(UploadFile, await form.fields());
      signal.throwIfAborted();
      return fields;
    } catch (error) {
      await this.receiver.forget({ file_id, stored_as });
      throw error;
    }
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
