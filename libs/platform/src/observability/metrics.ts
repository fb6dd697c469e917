import { Counter, Gauge, Histogram } from 'prom-client';

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests at the edge. Never by tenant: tenants are unbounded. */
export const httpRequests = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from request to answer at the gateway',
  labelNames: ['method', 'route', 'status'],
  buckets,
});

/** Calls between services; `side` is client or server, `code` is ok or the problem's code. */
export const rpcCalls = new Histogram({
  name: 'rpc_call_duration_seconds',
  help: 'Time of calls between services',
  labelNames: ['side', 'method', 'code'],
  buckets,
});

export const unexpectedErrors = new Counter({
  name: 'unexpected_errors_total',
  help: 'Errors without a stable code: bugs, or dependencies that failed in a new way',
});

export const ledgerEntries = new Gauge({
  name: 'ledger_entries_waiting',
  help: 'Provider calls opened or closed that are in Redis and not in the database yet',
});

/** `wire` is sse or socket. */
export const slowReaders = new Counter({
  name: 'slow_readers_total',
  help: 'Clients of streams that were dropped because they did not read',
  labelNames: ['wire'],
});
