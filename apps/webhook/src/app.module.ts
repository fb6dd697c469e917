import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { outboxWaker, readDatabaseConfig, SecretBox, SecretRotation } from '@taai/platform';
import { AuditConsumer, auditLogClient } from './outbox/audit.consumer';
import { BullRedisModule, mailQueue } from './bull-redis';
import { readWebhookConfig } from './config';
import { DeliveryRepository } from './delivery/delivery.repository';
import { DeliveryService } from './delivery/delivery.service';
import { DeliveryWorker } from './delivery/delivery.worker';
import { EndpointConnector } from './endpoint/endpoint-connector';
import { MailConsumer } from './mail/mail.consumer';
import { MailProcessor } from './mail/mail.processor';
import { MailQueue } from './mail/mail.queue';
import { MailRepository } from './mail/mail.repository';
import { MAIL_CONFIG, mailComposerClient, MailService } from './mail/mail.service';
import { Mailer } from './mail/mailer';
import { OutboxRelay } from './outbox/outbox.relay';
import { OutboxRepository } from './outbox/outbox.repository';
import { OutboxService } from './outbox/outbox.service';
import { SecretHandler } from './endpoint/secret.handler';
import { SecretRepository } from './endpoint/secret.repository';
import { TenantDataHandler } from './tenant-data.handler';
import { repliesClient, ReplyConsumer } from './outbox/reply.consumer';
import { WakeSignals } from './wake-signals';
import { WebhookHandler } from './endpoint/webhook.handler';
import { WebhookRepository } from './endpoint/webhook.repository';
import { WebhookService } from './endpoint/webhook.service';

const config = readWebhookConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker), BullRedisModule, mailQueue],
  controllers: [WebhookHandler, SecretHandler, TenantDataHandler],
  providers: [
    AuditConsumer,
    auditLogClient,
    DeliveryRepository,
    DeliveryService,
    DeliveryWorker,
    MailProcessor,
    MailQueue,
    MailRepository,
    MailService,
    OutboxRelay,
    OutboxRepository,
    OutboxService,
    ReplyConsumer,
    repliesClient,
    WakeSignals,
    WebhookRepository,
    WebhookService,
    MailConsumer,
    mailComposerClient,
    { provide: MAIL_CONFIG, useValue: config.mail },
    { provide: Mailer, useFactory: () => new Mailer(config.mail) },
    SecretRepository,
    {
      provide: SecretBox,
      inject: [SecretRepository],
      useFactory: async (stored: SecretRepository) => {
        const box = new SecretBox(config.encryptionKeys);
        box.require(await stored.keyIds(), 'webhook secrets');
        return box;
      },
    },
    {
      provide: SecretRotation,
      inject: [SecretBox, SecretRepository],
      useFactory: (box: SecretBox, stored: SecretRepository) => new SecretRotation(box, stored),
    },
    { provide: EndpointConnector, useFactory: () => new EndpointConnector(config.outboundAllow) },
  ],
})
export class AppModule {}
