import type { chatSocketEvents, DataOf } from '@taai/contracts';
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io';
import { Encoder, PacketType } from 'socket.io-parser';
import { textFrame } from './text-frame';

/** The data of each event that the server sends. */
type Told = DataOf<typeof chatSocketEvents>;

/** Why something is over, with a code for programs. */
export type Reason = Pick<Told['closing'], 'code' | 'detail'>;

/** What outlives a connection that was cut off, for two minutes. */
export interface SocketData {
  user_id?: string;
  /** Id of the last message that the client has for certain, by the id of each conversation that it is in. */
  confirmed?: Record<string, string>;
  /** What it was told, and may not have heard, of conversations that it is in no longer. */
  left?: Record<string, Reason>;
}

export type ChatNamespace = Namespace<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;
export type ChatSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, SocketData>;

/** The type of engine.io's packets that hold one of Socket.IO's. */
const MESSAGE = '4';

/** The room of all sockets that are in a conversation, at whichever gateway. */
export const roomOf = (conversation_id: string): string => `conversation:${conversation_id}`;

/** A packet of Socket.IO, and how engine.io is given its frame along, as by Socket.IO's own adapter. */
interface Encoded {
  packet: string;
  options: { compress: false; wsPreEncodedFrame: Buffer[] };
}

const encoder = new Encoder();
/** What is told to many sockets is written out once. */
const encodings = new WeakMap<object, Encoded>();

/**
 * Sends an event to this one socket. Its own `emit` would write each event into the stream of the adapter first, because sessions can be
 * recovered: chat and the runs' logs have all that is sent this way.
 */
export function tell<T extends keyof Told>({ connected, conn, nsp }: ChatSocket, event: T, data: Told[T]): void {
  if (!connected) return;
  const { packet, options } = encodings.get(data) ?? encode(nsp.name, event, data);
  conn.write(packet, options);
}

function encode(nsp: string, event: string, data: object): Encoded {
  const packet = String(encoder.encode({ type: PacketType.EVENT, nsp, data: [event, data] })[0]);
  const wsPreEncodedFrame = [textFrame(`${MESSAGE}${packet}`)];
  const encoded: Encoded = { packet, options: { compress: false, wsPreEncodedFrame } };
  encodings.set(data, encoded);
  return encoded;
}

/** Sends an event to one socket through the adapter, so that the client learns a place in its stream, by which it can be recovered. */
export function tellRecoverably<T extends keyof Told>(socket: ChatSocket, event: T, data: Told[T]): void {
  socket.emit(event, data);
}

/** Sends an event to all sockets in a conversation. */
export function tellRoom<T extends 'presence' | 'typing'>(
  namespace: ChatNamespace | undefined,
  event: T,
  data: Told[T],
): void {
  const room = namespace?.to(roomOf(data.conversation_id));
  // Who does not keep up is spared what is stale in seconds.
  if (event === 'typing') room?.volatile.emit(event, data);
  else room?.emit(event, data);
}
