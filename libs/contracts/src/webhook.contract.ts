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
import { eventTypes, type EventType } from './domain-event';
import { Describe } from './schema/describe';
import { ById, Empty, HttpUrl, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from './fields';
import { limits } from './schema/limits';

export const deliveryStatuses = ['pending', 'delivering', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export class CreateWebhook {
  @Describe('Where events are posted to: a public address.', 'https://example.com/hooks')
  @HttpUrl()
  url: string;

  @Describe('The types of events that it receives.')
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.webhookEvents)
  @IsIn(eventTypes, { each: true })
  events: EventType[];

  @Describe('What it is for.', 'Billing')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;
}

export class UpdateWebhook extends ById {
  @Describe('Where events are posted to: a public address.', 'https://example.com/hooks')
  @Optional()
  @HttpUrl()
  url?: string;

  @Describe('The types of events that it receives, all of them.')
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.webhookEvents)
  @IsIn(eventTypes, { each: true })
  events?: EventType[];

  @Describe('What it is for.', 'Billing')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.descriptionCharacters)
  description?: string | null;

  @Describe('False: nothing is sent to it.')
  @Optional()
  @IsBoolean()
  is_active?: boolean;
}

export class Webhook {
  @Describe('Id of the endpoint.')
  @IsUUID()
  id: string;

  @Describe('Where events are posted to.', 'https://example.com/hooks')
  @IsString()
  url: string;

  @Describe('The types of events that it receives.', ['task.created'])
  @IsString({ each: true })
  events: string[];

  @Describe('What it is for.', 'Billing')
  @Nullable()
  @IsString()
  description: string | null;

  @Describe('Whether anything is sent to it.')
  @IsBoolean()
  is_active: boolean;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;
}

export class CreatedWebhook extends Webhook {
  @Describe('What deliveries are signed with, `whsec_…`, shown this once.', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD')
  @IsString()
  secret: string;
}

export class WebhookDelivery {
  @Describe('Id of the delivery.')
  @IsUUID()
  id: string;

  @Describe('Id of the endpoint.')
  @IsUUID()
  webhook_id: string;

  @Describe('Id of the event.')
  @IsUUID()
  event_id: string;

  @Describe('Type of the event.', 'task.created')
  @IsString()
  event_type: string;

  @Describe('How far the delivery is.', 'delivered')
  @IsIn(deliveryStatuses)
  status: string;

  @Describe('How often it was tried.', 1)
  @IsInt()
  attempts: number;

  @Describe('When it is tried again; null when it is not, and while it waits for its turn.', null)
  @Nullable()
  @IsISO8601()
  next_attempt_at: Timestamp | null;

  @Describe('What the endpoint answered last; null when it did not.', 204)
  @Nullable()
  @IsInt()
  last_status_code: number | null;

  @Describe('Why the last attempt failed; null when it did not.', null)
  @Nullable()
  @IsString()
  last_error: string | null;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When the endpoint took it; null until then.')
  @Nullable()
  @IsISO8601()
  delivered_at: Timestamp | null;
}

export class EventTypes {
  @Describe('The types of events.', ['task.created'])
  @IsString({ each: true })
  data: string[];
}

export const webhookContract = contract('webhook', {
  create: {
    summary: 'Register an endpoint, at most 100 per tenant; its secret is shown once',
    description:
      'Deliveries are signed as standardwebhooks.com says. Answers `url_not_allowed` (422) for an address that is not a public one.',
    http: 'POST /v1/webhooks',
    secret: true,
    access: 'webhooks:create',
    input: CreateWebhook,
    output: CreatedWebhook,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List endpoints',
    description: 'Secrets are not shown.',
    http: 'GET /v1/webhooks',
    access: 'webhooks:read',
    input: PageQuery,
    output: Page(Webhook),
    effect: 'safe',
  },
  get: {
    summary: 'Read an endpoint',
    description: 'The secret is not shown.',
    http: 'GET /v1/webhooks/:id',
    access: 'webhooks:read',
    input: ById,
    output: Webhook,
    effect: 'safe',
  },
  update: {
    summary: 'Change an endpoint',
    description:
      'Fields that are absent stay. Answers `url_not_allowed` (422) for an address that is not a public one.',
    http: 'PATCH /v1/webhooks/:id',
    access: 'webhooks:update',
    input: UpdateWebhook,
    output: Webhook,
    effect: 'once',
  },
  remove: {
    summary: 'Remove an endpoint and its deliveries',
    description: 'Nothing more is sent, what waits included. Answers `not_found` (404) the second time.',
    http: 'DELETE /v1/webhooks/:id',
    access: 'webhooks:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  deliveries: {
    summary: 'List the deliveries to an endpoint, newest first',
    description: 'A delivery that fails is tried again, later each time, until it is given up as `failed`.',
    http: 'GET /v1/webhooks/:id/deliveries',
    access: 'webhooks:read',
    input: PageById,
    output: Page(WebhookDelivery),
    effect: 'safe',
  },
  eventTypes: {
    summary: 'The types of events that can be subscribed to',
    description: 'What each brings is under `webhooks` in this document.',
    http: 'GET /v1/webhook-event-types',
    access: 'webhooks:read',
    input: Empty,
    output: EventTypes,
    effect: 'safe',
  },
});
