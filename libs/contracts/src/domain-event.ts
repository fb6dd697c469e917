import { IsIn, IsUUID } from 'class-validator';
import type { AuditRecord } from './auth/audit.contract';
import { User } from './auth/auth.contract';
import type { ComposeMail } from './auth/mail.contract';
import { Conversation } from './chat/conversation.contract';
import { Message } from './chat/message.contract';
import type { DataOf, EventDescription, EventTable, Permission } from './contract';
import { Describe } from './schema/describe';
import { Nullable } from './fields';
import { Task } from './task.contract';

export class TaskDeletedData {
  @Describe('Id of the task that is gone.')
  @IsUUID()
  id: string;
}

export class RunEndedData {
  @Describe('Id of the run.')
  @IsUUID()
  run_id: string;

  @Describe('Id of the agent that ran.')
  @IsUUID()
  agent_id: string;

  @Describe('Id of the conversation that the run answers; null when it answers none.')
  @Nullable()
  @IsUUID()
  conversation_id: string | null;

  @Describe('How the run ended.')
  @IsIn(['completed', 'failed'])
  status: 'completed' | 'failed';
}

/** What happens in the house, for whoever subscribes to it. */
export const domainEvents = {
  name: 'DomainEvent',
  types: {
    'task.created': { description: 'A task was created.', data: Task },
    'task.updated': { description: 'A task was changed.', data: Task },
    'task.completed': { description: 'A task was set to `done`; comes after `task.updated`.', data: Task },
    'task.deleted': { description: 'A task was deleted.', data: TaskDeletedData },
    'conversation.created': {
      description: 'A conversation was opened.',
      data: Conversation,
      access: 'conversations:read_any',
    },
    'message.created': {
      description: 'A user or an agent wrote a message.',
      data: Message,
      access: 'conversations:read_any',
    },
    'agent.run.completed': { description: 'A run has answered.', data: RunEndedData },
    'agent.run.failed': { description: 'A run has failed.', data: RunEndedData },
    'user.invited': { description: 'A user was invited.', data: User },
    'user.created': { description: 'An invited user has joined.', data: User },
  },
} as const satisfies EventTable;

/** The data of each type of event. */
export type EventData = DataOf<typeof domainEvents>;
export type EventType = keyof EventData;

export const eventTypes = Object.keys(domainEvents.types) as EventType[];

/** The permission that who subscribes to the event must have. */
export const eventAccess = (type: EventType): Permission | undefined => {
  const { access }: EventDescription = domainEvents.types[type];
  return access;
};

/** What passes through the outbox: events, and besides, for the fleet's own use, what no webhook can subscribe to. */
export interface OutboxData extends EventData {
  /** The conversation gets what the run had said. */
  'agent.run.cancelled': Omit<RunEndedData, 'status'> & { status: 'cancelled' };
  'audit.recorded': Omit<AuditRecord, 'id' | 'created_at'>;
  'mail.requested': ComposeMail;
}
export type OutboxType = keyof OutboxData;

/** What leaves through the outbox, and the body that a webhook receives. */
export type DomainEvent<T extends OutboxType = EventType> = {
  [K in T]: { id: string; type: K; created_at: string; tenant_id: string; data: OutboxData[K] };
}[T];
