import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import { mailContract } from '@taai/contracts';
import { log, RpcClient, type Client } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { ignoreNotFound } from '../outbox/consumer';
import { renderMail } from './mail-templates';
import { MailRepository, type MailRef } from './mail.repository';
import { Mailer, MailFailure } from './mailer';
import { OutboxRepository } from '../outbox/outbox.repository';
import type { MailConfig } from '../config';

/** Injects the `MailComposer` client. */
export const MAIL_COMPOSER = Symbol('mail composer');

/** What of the mail contract is called here. */
export type MailComposer = Pick<Client<typeof mailContract>, 'compose'>;

export const mailComposerClient: FactoryProvider<MailComposer> = {
  provide: MAIL_COMPOSER,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(mailContract),
};

/** Injects the `MailConfig`. */
export const MAIL_CONFIG = Symbol('mail configuration');

/**
 * Sends the mails that the outbox asks for, at least once: a process that ends between the server's answer and the commit sends
 * one again. Each time auth mints the link anew, so that no token is kept anywhere, and the newest mail's link is the one that works.
 */
@Injectable()
export class MailService {
  constructor(
    private readonly mails: MailRepository,
    private readonly outbox: OutboxRepository,
    private readonly mailer: Mailer,
    @Inject(MAIL_COMPOSER) private readonly composer: MailComposer,
    @Inject(MAIL_CONFIG) private readonly config: Pick<MailConfig, 'appUrl'>,
  ) {}

  /** Attempts a mail, unless it was sent or given up. A failure leaves it for later. */
  send({ tenant_id, id }: MailRef): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, async () => {
      const token_id = await this.mails.take(id);
      if (token_id !== undefined) await this.attempt(id, token_id);
    });
  }

  private async attempt(id: string, token_id: string): Promise<void> {
    try {
      if (this.mailer.isConfigured) await this.mail(token_id);
      else log.warn({ token_id }, 'a mail is dropped: SMTP_URL is not set');
      await this.outbox.drop([id]);
    } catch (error) {
      await this.defer(id, token_id, error);
    }
  }

  private async mail(token_id: string): Promise<void> {
    // The link is gone when it was used, replaced or has expired, or with its user.
    const composed = await this.composer.compose({ token_id }).catch(ignoreNotFound);
    if (!composed) return;
    const { to, template } = composed;
    try {
      await this.mailer.send({ to, ...renderMail(composed, this.config.appUrl) });
    } catch (error) {
      if (!(error instanceof MailFailure && error.isFinal)) throw error;
      log.error({ reason: error.message, template, token_id }, 'a mail is dropped: the server refuses it for good');
    }
  }

  private async defer(id: string, token_id: string, error: unknown): Promise<void> {
    const reason = String(error);
    for (const { attempts, is_given_up } of await this.outbox.defer([id])) {
      if (!is_given_up) log.warn({ reason, token_id, attempts }, 'a mail is left for later');
      else log.error({ reason, token_id, id }, 'a mail is given up: set its claimed_until to null to try it again');
    }
  }
}
