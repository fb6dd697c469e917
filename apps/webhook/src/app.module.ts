import { BullModule } from '@nestjs/bull';
import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { BLOCK_SECONDS, keys, readDatabaseConfig, readOutboundConfig, SecretBox, SecretRotation } from '@taai/platform';
import { AuditConsumer, auditLogClient } from './audit.consumer';
import { BullRedis, BullRedisModule } from './bull-redis';
import { DeliveryProcessor } from './delivery.processor';
import { DELIVERIES, DeliveryQueue } from './delivery.queue';
import { DeliveryRepository } from './delivery.repository';
import { DeliveryService } from './delivery.service';
import { DeliverySweep } from './delivery.sweep';
import { EndpointAccess } from './endpoint-access';
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

const deliveryQueue = BullModule.registerQueueAsync({
  name: DELIVERIES,
  imports: [BullRedisModule],
  inject: [BullRedis],
  useFactory: (redis: BullRedis) => ({
    prefix: keys.bull(),
    createClient: (role) => redis.for(role),
    // Nothing is kept of jobs: the history of deliveries is in the database, and an id can be queued again.
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    settings: { drainDelay: BLOCK_SECONDS, retryProcessDelay: 1000 },
  }),
});

const outbound = readOutboundConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig()), BullRedisModule, deliveryQueue],
  controllers: [WebhookHandler, SecretHandler, TenantDataHandler],
  providers: [
    AuditConsumer,
    auditLogClient,
    DeliveryProcessor,
    DeliveryQueue,
    DeliveryRepository,
    DeliveryService,
    DeliverySweep,
    OutboxRelay,
    OutboxRepository,
    OutboxService,
    ReplyConsumer,
    repliesClient,
    WebhookRepository,
    WebhookService,
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
