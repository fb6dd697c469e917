import type { ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ProblemError } from '@taai/contracts';
import type { FastifyInstance } from 'fastify';

/** A Nest guard that decides by the request's head alone. It throws what the client is told. */
export interface HeadGuard {
  canActivate(context: ExecutionContext): Promise<boolean>;
}

/**
 * Has every request pass the guards, one after another, before its body is read: who is refused costs no more than the head of the request.
 * Nest's own place for guards is behind the body.
 */
export function addGuards(fastify: FastifyInstance, guards: readonly HeadGuard[]): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const context = new ExecutionContextHost([request, reply]);
    for (const guard of guards) if (!(await guard.canActivate(context))) throw new ProblemError('forbidden');
  });
}
