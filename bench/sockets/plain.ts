import { setTimeout as delay } from 'node:timers/promises';
import { Server } from 'socket.io';
import { now, TOKENS } from './provider.ts';

const TOKEN_MS = 20;

/** Socket.IO as its documentation sets it up: whoever asks is in the room, and `message:send` has tokens told to it. */
export function servePlain(port: number): void {
  const server = new Server(port, { transports: ['websocket'] });
  const chat = server.of('/chat');
  chat.on('connection', (socket) => {
    socket.on(
      'conversation:join',
      async ({ conversation_id }: { conversation_id: string }, ack: (answer: object) => void) => {
        await socket.join(conversation_id);
        ack({ ok: true });
      },
    );
    socket.on(
      'message:send',
      async ({ conversation_id }: { conversation_id: string }, ack: (answer: object) => void) => {
        ack({ ok: true });
        for (let n = 0; n < TOKENS; n += 1) {
          const data = { run_id: conversation_id, id: n + 1, type: 'token', data: { text: `${now()} ` } };
          chat.to(conversation_id).emit('run.event', data);
          await delay(TOKEN_MS);
        }
      },
    );
  });
}
