import { EventEmitter } from 'node:events';
import { limits } from '@taai/contracts';
import type { ChatSocket, SocketData } from './chat-socket';
import { Receipts } from './receipts';

const reason = { code: 'not_found', detail: 'There is no such conversation.' };

/** As much of a socket as is needed, and what it was told. */
function fakeSocket(data: SocketData = {}) {
  const told: string[] = [];
  const write = (packet: string) => told.push(/"conversation_id":"(\w+)"/.exec(packet)?.[1] ?? packet);
  const conn = Object.assign(new EventEmitter(), { write });
  const socket = { connected: true, conn, data, nsp: { name: '/chat' } } as unknown as ChatSocket;
  const ping = () => conn.emit('packetCreate', { type: 'ping' });
  return { socket, data, told, ping, pong: () => conn.emit('heartbeat') };
}

describe('what a client has for certain', () => {
  it('was sent before a ping that it has answered', () => {
    const { socket, data, ping, pong } = fakeSocket();
    const receipts = new Receipts(socket);
    receipts.joined('c', '1');
    receipts.message('c', '2');
    ping();
    receipts.message('c', '3');
    expect(data.confirmed).toEqual({ c: '1' });
    pong();
    expect(data.confirmed).toEqual({ c: '2' });
    receipts.forget('c');
    pong();
    expect(receipts.takeUp()).toEqual([]);
  });

  it('is said again where it does not: that it was taken out', () => {
    const first = fakeSocket();
    const receipts = new Receipts(first.socket);
    receipts.joined('c', '1');
    receipts.joined('d', '1');
    receipts.tellLeft('c', reason);
    const second = fakeSocket(structuredClone(first.data));
    const again = new Receipts(second.socket);
    expect(again.takeUp()).toEqual([['d', '1']]);
    expect(second.told).toEqual(['c']);
    second.ping();
    again.tellLeft('e', reason);
    second.pong();
    expect(second.data.left).toEqual({ e: reason });
    again.joined('e', '1');
    expect(second.data.left).toEqual({});
  });

  it('is bounded', () => {
    const { socket, data } = fakeSocket();
    const receipts = new Receipts(socket);
    for (let n = 0; n < 200; n += 1) receipts.tellLeft(`c${n}`, reason);
    expect(Object.keys(data.left ?? {})).toHaveLength(limits.socketConversations);
    expect(data.left).toHaveProperty('c199');
  });
});
