import type { ProblemError, SocketClosing } from '@taai/contracts';
import { slowReaders } from '@taai/platform';
import { toProblem } from '../http/problem.filter';
import { tell, type ChatSocket } from './chat-socket';

/** A client that does not read what is left is waited for so long, in milliseconds. */
const GRACE_MS = 5000;

/** Socket.IO's clients connect again by themselves unless the server says that they are unwanted. */
const passing = new Set<ProblemError['code']>(['service_unavailable', 'slow_reader']);

export function closingOf(error: unknown): SocketClosing {
  const { code, message } = toProblem(error);
  return { code, detail: message };
}

/** Says why, and disconnects. */
export function endSocket(socket: ChatSocket, closing: SocketClosing): void {
  const { conn } = socket;
  if (closing.code === 'slow_reader') slowReaders.inc({ wire: 'socket' });
  tell(socket, 'closing', closing);
  if (isPassing(closing)) conn.close();
  else socket.disconnect(true);
  const timer = setTimeout(() => conn.close(true), GRACE_MS);
  timer.unref();
  conn.once('close', () => clearTimeout(timer));
}

const isPassing = ({ code }: SocketClosing) => [...passing].some((one) => one === code);
