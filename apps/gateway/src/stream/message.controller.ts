import { Controller, Res } from '@nestjs/common';
import { bind, messageContract, SendMessage, type Settled } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { Input } from '../route/input';
import { ContractRoute } from '../route/route';
import { RunEvents } from './run-events';
import { SseStreams } from './sse';

/** Sends messages, and answers with the run that replies to them: its events, or its end. */
@Controller()
export class MessageController {
  private readonly messages;

  constructor(
    rpc: RpcClient,
    private readonly events: RunEvents,
    private readonly sse: SseStreams,
  ) {
    this.messages = rpc.for(messageContract);
  }

  @ContractRoute(bind(messageContract, 'send'))
  async send(@Input() input: SendMessage, @Res({ passthrough: true }) reply: FastifyReply) {
    const { message, run_id } = await this.messages.send(input);
    const settle = this.settling(run_id, message.conversation_id);
    if (input.stream) {
      await this.sse.answer(reply, (signal) => this.events.read(run_id, 0, signal));
      // Whoever writes next finds the reply in the conversation. When this fails, the event relay brings it there.
      return void settle().catch(() => undefined);
    }
    await this.events.finished(run_id, reply);
    return { message, reply: (await settle()).reply, run_id };
  }

  /** Writes the reply into the conversation, once the run has ended. */
  private settling(run_id: string, conversation_id: string): () => Promise<Settled> {
    const caller = currentCaller();
    // runAs, because the run may outlive the token that its request began with.
    return () => runAs(caller, () => this.messages.settle({ run_id, conversation_id }));
  }
}
