import type { FactoryProvider } from '@nestjs/common';
import { fileContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';

/** Injects the `Files` client. */
export const FILES = Symbol('files');

/** What the orchestrator asks chat about files: who may read them, and where their bytes are. */
export type Files = Pick<Client<typeof fileContract>, 'describe' | 'locate'>;

export const filesClient: FactoryProvider<Files> = {
  provide: FILES,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(fileContract),
};
