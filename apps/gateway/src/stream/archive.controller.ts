import { Readable } from 'node:stream';
import { Controller, Res } from '@nestjs/common';
import { bind, ById, tenantContract, type Archive } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { currentCaller, runAs, type Caller } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { Input } from '../route/input';
import { Principals } from '../access/principals';
import { ContractRoute } from '../route/route';

/** Streams the archive of an export, chunk by chunk: each is fetched when the client has taken the one before. */
@Controller()
export class ArchiveController {
  private readonly tenants;

  constructor(
    rpc: RpcClient,
    private readonly principals: Principals,
  ) {
    this.tenants = rpc.for(tenantContract);
  }

  @ContractRoute(bind(tenantContract, 'archive'))
  async download(@Input() { id }: ById, @Res() reply: FastifyReply): Promise<void> {
    const archive = await this.tenants.archive({ id });
    // Length and type go before: a client can tell a download that was cut from a whole one.
    void reply
      .header('content-type', 'application/gzip')
      .header('content-length', archive.bytes)
      .header('content-disposition', `attachment; filename="export-${id}.jsonl.gz"`)
      .header('cache-control', 'private, no-store')
      .send(Readable.from(this.chunks(archive, currentCaller())));
  }

  private async *chunks({ id, chunks }: Archive, caller: Caller): AsyncGenerator<Buffer> {
    const access = this.principals.watch(caller);
    try {
      // runAs, because a download outlives the token that its request began with.
      for (let seq = 0; seq < chunks; seq += 1) {
        access.signal.throwIfAborted();
        const { bytes } = await runAs(caller, () => this.tenants.chunk({ id, seq }));
        yield Buffer.from(bytes, 'base64');
      }
    } finally {
      access.end();
    }
  }
}
