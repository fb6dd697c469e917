import { Controller, Req, Res, UseInterceptors } from '@nestjs/common';
import { bind, hasEnded, ReadRunEvents, runContract, StartRun, type Run } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Concurrency } from '../admission/concurrency';
import { ContractRoute, Input } from '../route/route';
import { ApprovalAnswers } from './approval-answers';
import { RunEvents } from './run-events';
import { wireOf } from './wires/asked-wire';

/** Starts runs and streams them. A run goes on whoever listens. */
@Controller()
export class RunController {
  private readonly runs;

  constructor(
    rpc: RpcClient,
    private readonly events: RunEvents,
    private readonly concurrency: Concurrency,
  ) {
    this.runs = rpc.for(runContract);
  }

  @ContractRoute(bind(runContract, 'start'))
  @UseInterceptors(ApprovalAnswers)
  async start(
    @Input() input: StartRun,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wire = wireOf(request);
    const isStream = wire !== undefined || input.stream;
    if (isStream) await this.concurrency.take('open_streams', reply.raw);
    const run = await this.runs.start(input);
    if (wire) return this.events.render(reply, run, { after: 0 }, wire);
    if (isStream) return this.events.stream(reply, run, 0);
    if (request.headers.prefer?.includes('respond-async')) return this.goesOn(run, reply);
    const ended = await this.events.finished(reply, run, () => this.runs.outcome({ id: run.id }));
    return hasEnded(ended) ? ended : this.goesOn(ended, reply);
  }

  @ContractRoute(bind(runContract, 'events'), 'sse_readers')
  async read(
    @Input() { id, after = 0 }: ReadRunEvents,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wire = wireOf(request);
    const run = await this.runs.outcome({ id });
    return wire ? this.events.render(reply, run, { after }, wire) : this.events.stream(reply, run, after);
  }

  /** The answer for a run whose end is not waited for. */
  private goesOn(run: Run, reply: FastifyReply): Run {
    void reply.status(202).header('location', `/v1/runs/${run.id}`);
    return run;
  }
}
