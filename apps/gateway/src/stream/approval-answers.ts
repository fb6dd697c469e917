import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { bind, notFound, runContract, type Run } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { of, type Observable } from 'rxjs';
import { Concurrency } from '../admission/concurrency';
import { RunEvents } from './run-events';
import { wireOf } from './wires/asked-wire';
import type { Wire } from './wires/wire';
import type { WireAnswer } from './wires/wire-answer';
import { isBody } from './wires/wire-body';

/**
 * Where a UI's own request body says no message, but what its user has decided on the tool calls of a run: decides so, as the run's own route
 * would, and tells the run on from there.
 */
@Injectable()
export class ApprovalAnswers implements NestInterceptor {
  private readonly runs: Client<typeof runContract>;

  constructor(
    rpc: RpcClient,
    private readonly events: RunEvents,
    private readonly concurrency: Concurrency,
  ) {
    this.runs = rpc.for(runContract);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest<{ Params: { id: string } }>>();
    const wire = wireOf(request);
    const answer = wire && isBody(request.body) ? wire.answer(request.body) : undefined;
    if (!wire || !answer) return next.handle();
    return of(await this.follow(http.getResponse<FastifyReply>(), request.params.id, answer, wire));
  }

  /** @param place Id of the conversation, or of the agent, at which the run is answered. */
  private async follow(reply: FastifyReply, place: string, { run_id, decisions }: WireAnswer, wire: Wire) {
    authorize(bind(runContract, 'decide').method, currentCaller());
    await this.concurrency.take('open_streams', reply.raw);
    const run = await this.runs.outcome({ id: run_id });
    if (placeOf(run) !== place.toLowerCase()) throw notFound('run');
    for (const decision of decisions) await this.runs.decide({ id: run_id, ...decision });
    const answered = decisions.map(({ tool_call_id }) => tool_call_id);
    return this.events.render(reply, run, { answered }, wire);
  }
}

const placeOf = ({ conversation_id, agent_id }: Run): string => conversation_id ?? agent_id;
