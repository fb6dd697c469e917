import { randomBytes } from 'node:crypto';
import { limits, type ProblemError } from '@taai/contracts';

/** The fields that stand before a request's JSON. */
export interface RequestHead {
  /** Unique among the calls of its caller. */
  id: string;
  /** The calling process; names the list that its replies go to. */
  caller: string;
  rpc: string;
  /** Milliseconds since 1970 by Redis' clock. */
  deadline: number;
  /** How many replicas handed the request on because they did not know the method. */
  hops: number;
  request_id: string;
  traceparent?: string | undefined;
  token?: string | undefined;
  idempotency_key?: string | undefined;
  ip?: string | undefined;
  user_agent?: string | undefined;
  /** Whom the replica counts the request for when tenants take turns. Nobody has verified it: it permits nothing. */
  tenant?: string | undefined;
}

export interface Request {
  head: RequestHead;
  /** JSON. */
  body: string;
}

const separators = /[\t\n]/g;
const clean = (value: string | undefined): string => value?.replace(separators, ' ') ?? '';

/**
 * A request is a line of fields between tabs and a line of JSON, which has no line breaks of its own: neither has to be escaped,
 * and the body is read only by who wants it. Fields are only ever appended, so that old and new processes understand each other.
 */
export function encodeRequest(head: RequestHead, body: string): string {
  const {
    id,
    caller,
    rpc,
    deadline,
    hops,
    request_id,
    traceparent,
    token = '',
    idempotency_key,
    ip,
    user_agent,
    tenant,
  } = head;
  const origin = `${clean(request_id)}\t${clean(traceparent)}\t${token}\t${clean(idempotency_key)}`;
  const client = `${clean(ip)}\t${clean(user_agent)}`;
  return `${id}\t${caller}\t${rpc}\t${deadline}\t${hops}\t${origin}\t${client}\t${clean(tenant)}\n${body}`;
}

/** Throws on anything that `encodeRequest` did not write. */
export function decodeRequest(text: string): Request {
  const end = text.indexOf('\n');
  const [id, caller, rpc, deadline, hops, request_id, traceparent, token, idempotency_key, ip, user_agent, tenant] =
    text.slice(0, Math.max(end, 0)).split('\t');
  if (!id || !caller || !rpc || !request_id || !(Number(deadline) > 0)) {
    throw new Error('A request without id, caller, method, deadline or request id stood in the list.');
  }
  return {
    head: {
      id,
      caller,
      rpc,
      deadline: Number(deadline),
      hops: Number(hops),
      request_id,
      traceparent: traceparent || undefined,
      token: token || undefined,
      idempotency_key: idempotency_key || undefined,
      ip: ip || undefined,
      user_agent: user_agent || undefined,
      tenant: tenant || undefined,
    },
    body: text.slice(end + 1),
  };
}

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

/**
 * `answer`: the output. `problem`: a ProblemError. `lost`: the replica leaves without having finished. `heartbeat`: ids (an array)
 * that the replica is working on. `output`: one of a stream's. `end`: a stream is complete.
 */
type ReplyKind = 'answer' | 'problem' | 'lost' | 'heartbeat' | 'output' | 'end';

export interface Reply {
  kind: ReplyKind;
  /**
   * The request's id. For `heartbeat` the replica's name, for `output` the request's id and the output's number from 1 on (`4.17s/3`),
   * for `end` the number of the last output (0 if there was none).
   */
  id: string;
  json: string;
}

const marks: Record<ReplyKind, string> = {
  answer: '+',
  problem: '-',
  lost: '!',
  heartbeat: '?',
  output: '>',
  end: '.',
};
const kinds = new Map(Object.entries(marks).map(([kind, mark]) => [mark, kind as ReplyKind]));

/** A reply is two lines, `+id` and JSON, and a frame is any number of replies. */
export const encodeReply = ({ kind, id, json }: Reply): string => `${marks[kind]}${id}\n${json}`;

/** The id of an `output` or `end`, taken apart. */
export function parseOutputId(outputId: string): { id: string; number: number } {
  const slash = outputId.indexOf('/');
  return { id: outputId.slice(0, slash), number: Number(outputId.slice(slash + 1)) };
}

export const lostReply = (id: string): Reply => ({ kind: 'lost', id, json: 'null' });

export const problemReply = (id: string, problem: ProblemError): Reply => ({
  kind: 'problem',
  id,
  json: JSON.stringify(problem),
});

/** Reads a frame; replies of an unknown kind are skipped. */
export function decodeFrame(frame: string): Reply[] {
  const lines = frame.split('\n');
  const replies: Reply[] = [];
  for (let line = 0; line + 1 < lines.length; line += 2) {
    const [head = '', json = ''] = [lines[line], lines[line + 1]];
    const kind = kinds.get(head.charAt(0));
    if (kind) replies.push({ kind, id: head.slice(1), json });
  }
  return replies;
}

/** A grant, or without `credit` a cancellation, of one call. */
export interface Control {
  /** The request's id. */
  id: string;
  /** The number of the last output that the replica may send; absent when nobody waits for the call any more. */
  credit?: number;
}

/** One line for each. */
export const encodeControl = ({ id, credit }: Control): string =>
  credit === undefined ? `-${id}` : `+${id}/${credit}`;

/** An element of a replica's list: the caller, then what it says. */
export const encodeControls = (caller: string, lines: readonly string[]): string => `${caller}\n${lines.join('\n')}`;

/** Lines of an unknown kind are skipped. */
export function decodeControls(element: string): { caller: string; controls: Control[] } {
  const [caller = '', ...lines] = element.split('\n');
  return { caller, controls: lines.flatMap(decodeControl) };
}

function decodeControl(line: string): Control[] {
  if (line.startsWith('-')) return [{ id: line.slice(1) }];
  const [, id, credit] = /^\+([^/]+)\/(\d+)$/.exec(line) ?? [];
  return id ? [{ id, credit: Number(credit) }] : [];
}

const MAX_BYTES_PER_UNIT = 3;

/** Whether the JSON is more than one message may carry, 1.5 MB. */
export const isTooLarge = (json: string): boolean =>
  json.length * MAX_BYTES_PER_UNIT > limits.callBytes && Buffer.byteLength(json) > limits.callBytes;
