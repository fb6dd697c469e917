import type { FactoryProvider } from '@nestjs/common';
import { mailContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';

/** Injects the `MailComposer` client. */
export const MAIL_COMPOSER = Symbol('mail composer');

/** What the job of a mail asks auth for. */
export type MailComposer = Pick<Client<typeof mailContract>, 'compose'>;

export const mailComposerClient: FactoryProvider<MailComposer> = {
  provide: MAIL_COMPOSER,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(mailContract),
};
