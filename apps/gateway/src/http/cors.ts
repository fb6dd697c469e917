const DAY_SECONDS = 86_400;

/** What pages of the listed origins may send and read. Other origins learn nothing: not even a preflight is answered. */
export const corsOptions = (origins: readonly string[]) => ({
  origin: (origin: string | undefined, allow: (error: null, isAllowed: boolean) => void) =>
    allow(null, origin !== undefined && origins.includes(origin)),
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: [
    'authorization',
    'content-type',
    'idempotency-key',
    'last-event-id',
    'prefer',
    'traceparent',
    'x-api-key',
    'x-request-id',
  ],
  exposedHeaders: [
    'location',
    'ratelimit',
    'ratelimit-policy',
    'retry-after',
    'x-cost-micro-usd',
    'x-model',
    'x-overhead-ms',
    'x-provider',
    'x-ratelimit-limit-requests',
    'x-ratelimit-limit-tokens',
    'x-ratelimit-remaining-requests',
    'x-ratelimit-remaining-tokens',
    'x-ratelimit-reset-requests',
    'x-ratelimit-reset-tokens',
    'x-request-id',
  ],
  maxAge: DAY_SECONDS,
  // Else an OPTIONS of a listed origin that is no preflight is answered with plain text.
  strictPreflight: false,
});
