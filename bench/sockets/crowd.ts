import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { now, TOKENS } from './provider.ts';

/** Sockets that connect at once. */
const AT_ONCE = 50;
const SETTLE_MS = 3000;
const DEADLINE_MS = 60_000;

interface RunEvent {
  type: string;
  data: { text?: string };
}

/** Of one server with all its sockets connected. */
export interface CrowdFigures {
  /** Kilobytes of its memory for each socket. */
  kilobytes: number;
  /** Milliseconds from a token's beginning to each client of its room. */
  latencies: number[];
}

async function residentKilobytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes);
}

async function connect(url: string, token: string, conversation_id: string): Promise<Socket> {
  const socket = io(`${url}/chat`, { transports: ['websocket'], forceNew: true, auth: { token } });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  const joined = (await socket.timeout(DEADLINE_MS).emitWithAck('conversation:join', { conversation_id })) as object;
  if (!('ok' in joined) || joined.ok !== true) throw new Error(`A socket was refused: ${JSON.stringify(joined)}`);
  return socket;
}

/** Connects `room` sockets to each conversation, and has one message answered in the first one. */
export async function measureCrowd(
  server: { url: string; pid: number; token: string },
  conversations: readonly string[],
  room: number,
): Promise<CrowdFigures> {
  const before = await residentKilobytes(server.pid);
  const places = conversations.flatMap((id) => Array.from({ length: room }, () => id));
  const sockets: Socket[] = [];
  for (let at = 0; at < places.length; at += AT_ONCE) {
    const some = places.slice(at, at + AT_ONCE).map((id) => connect(server.url, server.token, id));
    sockets.push(...(await Promise.all(some)));
  }
  await delay(SETTLE_MS);
  const kilobytes = ((await residentKilobytes(server.pid)) - before) / sockets.length;
  const latencies = await tell(sockets.slice(0, room), conversations[0] ?? '');
  sockets.forEach((socket) => socket.disconnect());
  return { kilobytes, latencies };
}

/** Every token to every client; throws when some do not come. */
async function tell(sockets: readonly Socket[], conversation_id: string): Promise<number[]> {
  const latencies: number[] = [];
  const note = ({ type, data }: RunEvent) => {
    if (type !== 'token') return;
    const at = now();
    for (const text of (data.text ?? '').trim().split(' ')) latencies.push(at - Number(text));
  };
  sockets.forEach((socket) => socket.on('run.event', note));
  await sockets[0]?.timeout(DEADLINE_MS).emitWithAck('message:send', { conversation_id, content: 'Hello' });
  const expected = sockets.length * TOKENS;
  for (const end = Date.now() + DEADLINE_MS; latencies.length < expected && Date.now() < end;) await delay(50);
  if (latencies.length !== expected) throw new Error(`${latencies.length} of ${expected} tokens came.`);
  return latencies;
}
