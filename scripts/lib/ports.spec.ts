import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, isFree } from './ports.ts';

it('gives each caller another port, and all are free', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(new Set(ports).size).toBe(20);
  expect(await Promise.all(ports.map((port) => isFree(port)))).toEqual(ports.map(() => true));
});

it('knows a port where somebody listens', async () => {
  const server = createServer();
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(await isFree(port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await isFree(port)).toBe(true);
});
