import type { Jwk } from '@taai/platform';

/** 300 bytes as JSON. */
export const payload = {
  id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42',
  title: 'Measure the way between two services',
  status: 'in_progress',
  labels: ['benchmark', 'transport', 'redis'],
  description: 'A task of an ordinary size, so that the bytes on the way are those of ordinary work, too.',
  created_at: '2026-01-01T00:00:00.000Z',
  ok: true,
};

/** What both ends need to know. */
export interface Setup {
  redisUrl: string;
  /** Private keys of the services, `kid` being the service's name. */
  contextKeys: readonly Jwk[];
}

/** How many requests this process has executed. */
export interface Served {
  executions: number;
}

export interface Client {
  /** The payload there and back, and nothing else. */
  call: () => Promise<unknown>;
  /** As a request of a user: with a signed caller, permission check and trace context. Absent where there is no such thing. */
  callAsUser?: () => Promise<unknown>;
  close: () => Promise<void>;
}

/** One transport: a server that answers with what it was sent, and a client. */
export interface Contender {
  serve: (setup: Setup) => Promise<Served>;
  connect: (setup: Setup) => Promise<Client>;
}
