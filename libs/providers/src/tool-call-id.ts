import { randomUUID } from 'node:crypto';

/** For calls of vendors that name none. It is unique, so that a conversation may hold any number of them. */
export const mintToolCallId = (): string => `call_${randomUUID().replaceAll('-', '')}`;
