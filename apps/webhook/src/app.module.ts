import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readDatabaseConfig, readMailConfig, readOutboundConfig, SecretBox, SecretRotation } from '@taai/platform';
import { AuditConsumer, auditLogClient } from './audit.consumer';
import { bullQueue, BullRedisModule, DELIVERIES, MAILS } from './bull-redis';
import { DeliveryProcessor } from './delivery.processor';
import { DeliveryQueue } from './delivery.queue';
import { DeliveryRepository } from './delivery.repository';
import { DeliveryService } from './delivery.service';
import { DeliverySweep } from './delivery.sweep';
import { EndpointAccess } from './endpoint-access';
import { MailConsumer } from './mail.consumer';
import { MailProcessor } from './mail.processor';
import { MailQueue } from './mail.queue';
import { MailRepository } from './mail.repository';
import { MAIL_CONFIG, mailComposerClient, MailService } from './mail.service';
import { Mailer } from './mailer';
import { OutboxRelay } from './outbox.relay';
import { OutboxRepository } from './outbox.repository';
import { OutboxService } from './outbox.service';
import { SecretHandler } from './secret.handler';
import { SecretRepository } from './secret.repository';
import { TenantDataHandler } from './tenant-data.handler';
import { repliesClient, ReplyConsumer } from './reply.consumer';
import { WebhookHandler } from './webhook.handler';
import { WebhookRepository } from './webhook.repository';
import { WebhookService } from './webhook.service';

const outbound = readOutboundConfig();
const mailConfig = readMailConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig()), BullRedisModule, bullQueue(DELIVERIES), bullQueue(MAILS)],
  controllers: [WebhookHandler, SecretHandler, TenantDataHandler],
  providers: [
    AuditConsumer,
    auditLogClient,
    DeliveryProcessor,
    DeliveryQueue,
    DeliveryRepository,
    DeliveryService,
    DeliverySweep,
    MailProcessor,
    MailQueue,
    MailRepository,
    MailService,
    OutboxRelay,
    OutboxRepository,
    OutboxService,
    ReplyConsumer,
    repliesClient,
    WebhookRepository,
    WebhookService,
    MailConsumer,
    mailComposerClient,
    { provide: MAIL_CONFIG, useValue: mailConfig },
    { provide: Mailer, useFactory: () => new Mailer(mailConfig) },
    SecretRepository,
    {
      provide: SecretBox,
      inject: [SecretRepository],
      useFactory: async (stored: SecretRepository) => {
        const box = new SecretBox(outbound.encryptionKeys);
        box.require(await stored.keyIds(), 'webhook secrets');
        return box;
      },
    },
    {
      provide: SecretRotation,
      inject: [SecretBox, SecretRepository],
      useFactory: (box: SecretBox, stored: SecretRepository) => new SecretRotation(box, stored),
    },
    { provide: EndpointAccess, useFactory: () => new EndpointAccess(outbound.outboundAllow) },
  ],
})
export class AppModule {}
