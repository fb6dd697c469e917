import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { withinMs } from './within-ms';

it('comes to what comes in time, and fails with what fails', async () => {
  await expect(withinMs(Promise.resolve('done'), 1000)).resolves.toBe('done');
  await expect(withinMs(Promise.reject(new Error('failed')), 1000)).rejects.toThrow('failed');
});

it('fails when nothing comes', async () => {
  await expect(withinMs(new Promise(() => undefined), 1)).rejects.toThrow('no answer within 1 ms');
});

it('takes what came in time, though the process was too busy to see it', async () => {
  const server = createServer((socket) => socket.on('data', (data) => socket.write(data))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  await once(socket, 'connect');
  const echo = once(socket, 'data');
  const answer = withinMs(echo, 20);
  socket.write('ping');
  // The server has to run for its echo: it is in this process, whose next turn blocks.
  server.once('connection', () => undefined);
  setImmediate(() => setImmediate(() => block(100)));
  await expect(answer).resolves.toEqual([Buffer.from('ping')]);
  socket.destroy();
  server.close();
});

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
