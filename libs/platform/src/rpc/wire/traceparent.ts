import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
const SPAN_START = 36;
const SPAN_END = 52;

const processPart = randomBytes(5).toString('hex');
const COUNTER_DIGITS = 6;
let spans = 0;

/** Span ids need to be distinct, not secret: random for the process, counted within it. */
function newSpanId(): string {
  spans = (spans + 1) % 16 ** COUNTER_DIGITS;
  return processPart + spans.toString(16).padStart(COUNTER_DIGITS, '0');
}

/** The W3C trace context for the next hop: the same trace, a span of its own. */
export function childOf(traceparent: string | undefined): string | undefined {
  if (!traceparent || !TRACEPARENT.test(traceparent)) return undefined;
  return traceparent.slice(0, SPAN_START) + newSpanId() + traceparent.slice(SPAN_END);
}
