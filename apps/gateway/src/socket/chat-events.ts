import { Injectable } from '@nestjs/common';
import type { chatSocketContract, InputOf, OutputOf } from '@taai/contracts';
import { RouteCalls } from './route-calls';
import type { SocketConnection } from './socket-connection';

type Methods = (typeof chatSocketContract)['methods'];

/** What a class that answers the events of the contract must offer: one method each, same names, same shapes. */
export type EventHandlers = {
  [K in keyof Methods]: (input: InputOf<Methods[K]>, connection: SocketConnection) => Promise<OutputOf<Methods[K]>>;
};

/** Answers the events of the namespace `/chat`. */
@Injectable()
export class ChatEvents implements EventHandlers {
  constructor(private readonly calls: RouteCalls) {}

  async join({ conversation_id, last_event_id }: InputOf<Methods['join']>, connection: SocketConnection) {
    const id = conversation_id.toLowerCase();
    connection.conversations.assertRoom(id);
    const start = await this.calls.start(id, last_event_id);
    await connection.join(id, start);
    return { last_event_id: start.last_event_id };
  }

  async leave({ conversation_id }: InputOf<Methods['leave']>, { conversations }: SocketConnection) {
    conversations.leave(conversation_id.toLowerCase());
    return {};
  }

  async send({ conversation_id, content, idempotency_key }: InputOf<Methods['send']>) {
    const { message, run_id } = await this.calls.send(conversation_id, content, idempotency_key);
    return { message_id: message.id, run_id };
  }

  async cancel({ run_id }: InputOf<Methods['cancel']>) {
    const { status } = await this.calls.cancel(run_id);
    return { status };
  }

  async typing({ conversation_id, is_typing }: InputOf<Methods['typing']>, { conversations }: SocketConnection) {
    await conversations.type(conversation_id.toLowerCase(), is_typing);
    return {};
  }
}
