import { Server } from 'socket.io';
import { askedFor, emitTokens } from './tokens.ts';

type Acknowledge = (answer: object) => void;

/** Socket.IO as its documentation sets it up: whoever asks is in the room, and `message:send` has tokens told to it. */
export function servePlain(port: number): void {
  const server = new Server(port, { transports: ['websocket'] });
  const chat = server.of('/chat');
  chat.on('connection', (socket) => {
    socket.on(
      'conversation:join',
      async ({ conversation_id }: { conversation_id: string }, acknowledge: Acknowledge) => {
        await socket.join(conversation_id);
        acknowledge({ ok: true });
      },
    );
    socket.on(
      'message:send',
      async ({ conversation_id, content }: { conversation_id: string; content: string }, acknowledge: Acknowledge) => {
        acknowledge({ ok: true });
        let id = 0;
        const tell = (type: string, data: object) =>
          chat.to(conversation_id).emit('run.event', { run_id: conversation_id, id: ++id, type, data });
        await emitTokens(askedFor(content), (text) => tell('token', { text }));
        tell('run.completed', {});
      },
    );
  });
}
