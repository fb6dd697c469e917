import { ProblemError } from '@taai/contracts';
import type { FastifyInstance } from 'fastify';

/** Refuses what a trusted proxy did not receive by HTTPS, but for health: probes come straight to the process. */
export function refusePlainHttp(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ protocol, routeOptions }, _reply, done) => {
    if (protocol === 'https' || routeOptions.url?.startsWith('/health/')) return done();
    done(new ProblemError('https_required', 'The request did not come by HTTPS through a proxy that is trusted.'));
  });
}
