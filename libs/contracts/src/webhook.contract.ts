import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  IsUUID,
  MaxLength,
} from 'class-validator';
import { contract, Nothing } from './contract';
import { ById, Empty, HttpUrl, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from './fields';
import { limits } from './limits';

export const eventTypes = [
  'task.created',
  'task.updated',
  'task.completed',
  'task.deleted',
  'conversation.created',
  'message.created',
  'agent.run.completed',
  'agent.run.failed',
  'user.invited',
  'user.created',
] as const;
export type EventType = (typeof eventTypes)[number];

/** What passes through the outbox besides, for the fleet's own use: no webhook can subscribe to it. */
export type OutboxType = EventType | 'agent.run.cancelled' | 'audit.recorded' | 'mail.requested';

export const deliveryStatuses = ['pending', 'delivering', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** What leaves through the outbox, and the body that a webhook receives. */
export interface DomainEvent<T extends OutboxType = EventType> {
  id: string;
  type: T;
  created_at: string;
  tenant_id: string;
  data: Record<string, unknown>;
}

export class CreateWebhook {
  @HttpUrl()
  url: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.webhookEvents)
  @IsIn(eventTypes, { each: true })
  events: EventType[];

  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;
}

export class UpdateWebhook extends ById {
  @Optional()
  @HttpUrl()
  url?: string;

  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.webhookEvents)
  @IsIn(eventTypes, { each: true })
  events?: EventType[];

  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  @Optional()
  @IsBoolean()
  is_active?: boolean;
}

export class Webhook {
  @IsUUID()
  id: string;

  @IsString()
  url: string;

  @IsString({ each: true })
  events: string[];

  @Nullable()
  @IsString()
  description: string | null;

  @IsBoolean()
  is_active: boolean;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;
}

export class CreatedWebhook extends Webhook {
  /** `whsec_…`, shown this once. */
  @IsString()
  secret: string;
}

export class WebhookDelivery {
  @IsUUID()
  id: string;

  @IsUUID()
  webhook_id: string;

  @IsUUID()
  event_id: string;

  @IsString()
  event_type: string;

  @IsIn(deliveryStatuses)
  status: string;

  @IsInt()
  attempts: number;

  @Nullable()
  @IsISO8601()
  next_attempt_at: Timestamp | null;

  @Nullable()
  @IsInt()
  last_status_code: number | null;

  @Nullable()
  @IsString()
  last_error: string | null;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  delivered_at: Timestamp | null;
}

export class EventTypes {
  @IsString({ each: true })
  data: string[];
}

export const webhookContract = contract('webhook', {
  create: {
    summary: 'Register an endpoint; its secret is shown once',
    http: 'POST /v1/webhooks',
    secret: true,
    access: 'webhooks:create',
    input: CreateWebhook,
    output: CreatedWebhook,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List endpoints',
    http: 'GET /v1/webhooks',
    access: 'webhooks:read',
    input: PageQuery,
    output: Page(Webhook),
    effect: 'safe',
  },
  get: {
    summary: 'Read an endpoint',
    http: 'GET /v1/webhooks/:id',
    access: 'webhooks:read',
    input: ById,
    output: Webhook,
    effect: 'safe',
  },
  update: {
    summary: 'Change an endpoint',
    http: 'PATCH /v1/webhooks/:id',
    access: 'webhooks:update',
    input: UpdateWebhook,
    output: Webhook,
    effect: 'once',
  },
  remove: {
    summary: 'Remove an endpoint and its deliveries',
    http: 'DELETE /v1/webhooks/:id',
    access: 'webhooks:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  deliveries: {
    summary: 'List the deliveries to an endpoint, newest first',
    http: 'GET /v1/webhooks/:id/deliveries',
    access: 'webhooks:read',
    input: PageById,
    output: Page(WebhookDelivery),
    effect: 'safe',
  },
  eventTypes: {
    summary: 'The types of events that can be subscribed to',
    http: 'GET /v1/webhook-event-types',
    access: 'webhooks:read',
    input: Empty,
    output: EventTypes,
    effect: 'safe',
  },
});
