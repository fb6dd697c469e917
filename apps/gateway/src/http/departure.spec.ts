import { bearer, startEdge } from './http.testing';

it('tells the calls of a request that its client has left, and of no other', async () => {
  const going = Promise.withResolvers<string>();
  const called = Promise.withResolvers<void>();
  const edge = await startEdge(
    {},
    {
      call: () => {
        called.resolve();
        return going.promise;
      },
    },
  );
  const socket = edge.connect();
  socket.write(`GET /v1/tasks HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer.authorization}\r\n\r\n`);
  await called.promise;
  const [signal] = edge.contexts.map(({ signal }) => signal);
  expect(signal?.aborted).toBe(false);
  const left = new Promise((resolve) => signal?.addEventListener('abort', resolve));
  socket.destroy();
  await left;
  expect(signal?.reason).toMatchObject({ code: 'cancelled' });
  going.resolve('{}');
  await edge.fetch('/v1/tasks', { headers: bearer });
  expect(edge.contexts[1]?.signal?.aborted).toBe(false);
  await edge.close();
});
