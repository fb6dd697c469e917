/** Calls of methods that are `long` by contract wait and run apart from the others. */
export type Lane = 'short' | 'long';

/**
 * Names every Redis key and channel. Keys that one script or one blocking read touches together share a hash tag, so that Redis Cluster
 * keeps them on one node.
 */
export const keys = {
  /** List of requests that wait for a replica of the service. */
  rpcRequests: (service: string, lane: Lane) => (lane === 'long' ? `rpc:{${service}}:long` : `rpc:{${service}}`),
  /** Set while a replica of the service lives. */
  rpcAlive: (service: string) => `rpc:{${service}}:alive`,
  /** List of replies for one calling process. */
  rpcReplies: (caller: string) => `rpc:reply:{${caller}}`,
  /** List of grants and cancellations for one replica. */
  rpcControls: (replica: string) => `rpc:control:{${replica}}`,
  /** Stream of a run's events. */
  runLog: (run_id: string) => `run:{${run_id}}:log`,
  /** Who may write a run's log: the id of its newest writer. */
  runLogOwner: (run_id: string) => `run:{${run_id}}:owner`,
  /** Ended runs of a tenant whose logs are still there, by the time of their end. */
  runLogs: (tenant_id: string) => `run:logs:{${tenant_id}}`,
  /** How many bytes these logs have together. */
  runLogBytes: (tenant_id: string) => `run:logs:{${tenant_id}}:bytes`,
  /** Ended runs of all tenants, by the time of their end. */
  endedRuns: () => 'run:ended',
  /** Channel of a run's events as they happen. */
  runLive: (run_id: string) => `run:{${run_id}}:live`,
  /** Channel that asks a run's lease holder to stop. */
  runCancel: (run_id: string) => `run:{${run_id}}:cancel`,
  /** Channel that tells who follows a conversation of new messages. */
  conversationLive: (conversation_id: string) => `conversation:{${conversation_id}}:live`,
  /** What an agent is shown of a conversation. */
  conversationContext: (tenant_id: string, conversation_id: string) => `context:{${tenant_id}}:${conversation_id}`,
  /** Conversations of a tenant whose contexts are kept, by the time at which they were written. */
  conversationContexts: (tenant_id: string) => `context:{${tenant_id}}`,
  /** Who has a socket in a conversation and who types, by the time at which it is over if nobody says it again. */
  presence: (conversation_id: string) => `conversation:{${conversation_id}}:presence`,
  /** Stream of what gateways tell each other's sockets. */
  sockets: () => '{sockets}',
  /** Prefix of the channels on which gateways ask each other about sockets. */
  socketChannels: () => '{sockets}:ask',
  /** Prefix of the sessions of sockets that were cut off. */
  socketSessions: () => 'socket:session:',
  /** Stream of provider calls that are to be written into the ledger. */
  ledger: () => '{ledger}',
  /** Stream of entries that the database refuses. */
  ledgerAside: () => '{ledger}:aside',
  /** Channel that tells which tenant's own prices have changed. */
  pricesChanged: () => 'prices:changed',
  /** Channel that tells relays of new outbox rows. */
  outboxWake: () => 'outbox:wake',
  /** Channel that tells webhook services of new deliveries. */
  deliveriesWake: () => 'deliveries:wake',
  /** Failed logins. `whose`: SHA-256 of an account's e-mail address, of that and a network, or of a session's id. */
  loginFailures: (whose: string) => `login:{attempts}:account:${whose}`,
  /** Networks that an account was logged in from. `account`: SHA-256 of its e-mail address. */
  loginNetworks: (account: string) => `login:{attempts}:networks:${account}`,
  /** Failed logins from a network. */
  networkFailures: (network: string) => `login:{attempts}:network:${network}`,
  /** How often something happened within an hour. `whose`: a tenant, a network, or the SHA-256 of an e-mail address. */
  hourly: (what: string, whose: string) => `hourly:{${what}:${whose}}`,
  /** What a tenant, or the anonymous callers of a network, have taken of all their limits: a hash. */
  rates: (whose: string) => `rates:{${whose}}`,
  /** State of the circuit breaker of a provider with one of its credentials. */
  breaker: (provider: string) => `breaker:{${provider}}`,
  /** Channel of circuit breakers that open and close. */
  breakers: () => 'breakers',
  /** Names of the models that a provider offers. */
  providerModels: (provider_id: string) => `provider:{${provider_id}}:models`,
  /** Channel of tenants whose configuration was changed. */
  tenantChanged: () => 'tenant:changed',
  /** How much of a kind (streams, readers, calls) each gateway holds open for a tenant. */
  concurrency: (tenant_id: string, kind: string) => `concurrency:{${tenant_id}}:${kind}`,
  /** Prefix of everything that bull keeps of its queues. */
  bull: () => '{bull}',
};
