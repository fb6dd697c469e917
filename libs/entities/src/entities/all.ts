import { AccessChangeEntity } from './access-change.entity';
import { AgentRunEntity } from './agent-run.entity';
import { AgentEntity } from './agent.entity';
import { ApiKeyEntity } from './api-key.entity';
import { AuditLogEntity } from './audit-log.entity';
import { ConversationEntity } from './conversation.entity';
import { IdempotencyKeyEntity } from './idempotency-key.entity';
import { JobEntity } from './job.entity';
import { MessageEntity } from './message.entity';
import { OutboxEntity } from './outbox.entity';
import { PlanEntity } from './plan.entity';
import { PriceEntity } from './price.entity';
import { ProviderCredentialEntity } from './provider-credential.entity';
import { ProviderEntity } from './provider.entity';
import { SessionEntity } from './session.entity';
import { SubscriptionEntity } from './subscription.entity';
import { TaskEntity } from './task.entity';
import { TenantEntity } from './tenant.entity';
import { ToolExecutionEntity } from './tool-execution.entity';
import { ToolEntity } from './tool.entity';
import { UsageRecordEntity } from './usage-record.entity';
import { UserEntity } from './user.entity';
import { WebhookDeliveryEntity } from './webhook-delivery.entity';
import { WebhookEntity } from './webhook.entity';

/** Every table, in the order of their names. */
export const entities = [
  AccessChangeEntity,
  AgentRunEntity,
  AgentEntity,
  ApiKeyEntity,
  AuditLogEntity,
  ConversationEntity,
  IdempotencyKeyEntity,
  JobEntity,
  MessageEntity,
  OutboxEntity,
  PlanEntity,
  PriceEntity,
  ProviderCredentialEntity,
  ProviderEntity,
  SessionEntity,
  SubscriptionEntity,
  TaskEntity,
  TenantEntity,
  ToolExecutionEntity,
  ToolEntity,
  UsageRecordEntity,
  UserEntity,
  WebhookDeliveryEntity,
  WebhookEntity,
];
