import { Controller, Res } from '@nestjs/common';
import { bind, ById, tenantContract, type Archive } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { ContractRoute, Input } from '../route/route';
import { OpenStreams } from './open-streams';
import { beginAnswer, writeAll } from './writer';

/** Streams the archive of an export, chunk by chunk: each is fetched when the client has taken the one before. */
@Controller()
export class ArchiveController {
  private readonly tenants;

  constructor(
    rpc: RpcClient,
    private readonly streams: OpenStreams,
  ) {
    this.tenants = rpc.for(tenantContract);
  }

  @ContractRoute(bind(tenantContract, 'archive'))
  async download(@Input() { id }: ById, @Res() reply: FastifyReply): Promise<void> {
    const archive = await this.tenants.archive({ id });
    await this.streams.run(reply, (signal) => this.send(reply, archive, signal));
  }

  private async send(reply: FastifyReply, archive: Archive, signal: AbortSignal): Promise<void> {
    // Length and type go before: a client can tell a download that was cut from a whole one.
    beginAnswer(reply, {
      'content-type': 'application/gzip',
      'content-length': archive.bytes,
      'content-disposition': `attachment; filename="export-${archive.id}.jsonl.gz"`,
      'cache-control': 'private, no-store',
    });
    const format = ({ bytes }: { bytes: string }) => Buffer.from(bytes, 'base64');
    await writeAll(reply, this.chunks(archive, signal), { format, signal });
    reply.raw.end();
  }

  private async *chunks({ id, chunks }: Archive, signal: AbortSignal) {
    const caller = currentCaller();
    // runAs, because a download outlives the token that its request began with.
    for (let seq = 0; seq < chunks; seq += 1) {
      signal.throwIfAborted();
      yield await runAs(caller, () => this.tenants.chunk({ id, seq }));
    }
  }
}
