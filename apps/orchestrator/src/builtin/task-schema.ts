import { taskPriorities, taskStatuses } from '@taai/contracts';

/** Fields of tasks as the model may write them: the rules are those of the contract, which the service takes for granted. */

export const id = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  description: "The task's id.",
} as const;

export const title = { type: 'string', minLength: 1, maxLength: 500 } as const;

export const status = { enum: taskStatuses } as const;

export const priority = { enum: taskPriorities } as const;

export const user = { ...id, description: "A user's id." } as const;

export const label = { type: 'string', minLength: 1, maxLength: 50 } as const;

/** What is not a time after all, the task service refuses. */
export const time = { type: 'string', maxLength: 40, description: 'RFC 3339, such as 2026-05-01T09:30:00Z.' } as const;

/** What may be left out of a new task and of a change. */
export const taskFields = {
  description: { type: ['string', 'null'], maxLength: 20_000 },
  status,
  priority,
  due_at: { ...time, type: ['string', 'null'] },
  assignee_id: { ...user, type: ['string', 'null'] },
  labels: { type: 'array', maxItems: 50, items: label },
} as const;
