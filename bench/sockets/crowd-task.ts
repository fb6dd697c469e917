import type { Deliveries } from './tokens.ts';

/** What a process of clients is told to do. */
export type CrowdTask =
  | { do: 'connect'; url: string; token: string; ids: string[] }
  | { do: 'answer'; ids: string[]; tokens: number }
  | { do: 'leave' };

/** What each client was given. */
export type Answered = Deliveries[];

/** What it says when it has done it. */
export type CrowdReply = { answered?: Answered; error?: string };
