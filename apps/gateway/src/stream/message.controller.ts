import { Controller, Req, Res, UseInterceptors } from '@nestjs/common';
import { bind, messageContract, Regenerate, SendMessage, type MessageSent } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Concurrency } from '../admission/concurrency';
import { AttachmentIntake } from '../file/attachment-intake';
import { ContractRoute, Input } from '../route/route';
import { ApprovalAnswers } from './approval-answers';
import { OpenStreams } from './open-streams';
import { RunEvents } from './run-events';
import { wireOf } from './wires/asked-wire';
import type { Wire } from './wires/wire';

/** Sends messages, and answers with the run that replies to them: its events, or its end. */
@Controller()
export class MessageController {
  private readonly messages;

  constructor(
    rpc: RpcClient,
    private readonly events: RunEvents,
    private readonly concurrency: Concurrency,
    private readonly streams: OpenStreams,
    private readonly intake: AttachmentIntake,
  ) {
    this.messages = rpc.for(messageContract);
  }

  @ContractRoute(bind(messageContract, 'send'))
  @UseInterceptors(ApprovalAnswers)
  async send(
    @Input() input: SendMessage,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) answer: FastifyReply,
  ) {
    const wire = wireOf(request);
    const isStream = wire !== undefined || input.stream;
    if (isStream) await this.concurrency.take('open_streams', answer.raw);
    return this.answer(answer, await this.sent(input, request, answer), isStream, wire);
  }

  @ContractRoute(bind(messageContract, 'regenerate'))
  async regenerate(
    @Input() input: Regenerate,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) answer: FastifyReply,
  ) {
    const wire = wireOf(request);
    const isStream = wire !== undefined || input.stream;
    if (isStream) await this.concurrency.take('open_streams', answer.raw);
    return this.answer(answer, await this.messages.regenerate(input), isStream, wire);
  }

  /** Who sends files is served for as long as they take to come. */
  private sent(input: SendMessage, { raw }: FastifyRequest, answer: FastifyReply): Promise<MessageSent> {
    const send = (resolved: SendMessage) => this.messages.send(resolved);
    if (!input.attachments) return send(input);
    return this.streams.run(answer, (signal) => this.intake.send(input, { request: raw, signal }, send));
  }

  private async answer(answer: FastifyReply, { message, run_id }: MessageSent, isStream = false, wire?: Wire) {
    const { conversation_id } = message;
    const run = { id: run_id, conversation_id };
    if (wire) return this.events.render(answer, run, { after: 0 }, wire);
    if (isStream) return this.events.stream(answer, run, 0);
    const { reply } = await this.events.finished(answer, run, () => this.messages.reply({ conversation_id, run_id }));
    return { message, reply, run_id };
  }
}
