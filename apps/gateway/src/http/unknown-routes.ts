import { ProblemError } from '@taai/contracts';
import type { FastifyInstance } from 'fastify';

/**
 * Refuses what leads to no route, before its body is read: with `method_not_allowed` and `Allow` where the path has other methods, else with
 * `not_found`. For use before the first route is added.
 */
export function refuseUnknownRoutes(fastify: FastifyInstance): void {
  const methodsAt = new Map<string, string[]>();
  fastify.addHook('onRoute', ({ method, url }) => {
    methodsAt.set(url, [...(methodsAt.get(url) ?? []), ...[method].flat()]);
  });
  fastify.addHook('onRequest', ({ is404, params, url }, reply, done) => {
    // The router takes `/v1/tasks/` for a task without an id.
    if (!is404 && !Object.values(params as object).includes('')) return done();
    const [path = ''] = url.split('?', 1);
    const methods = [...methodsAt].flatMap(([pattern, known]) => (leadsTo(pattern, path) ? known : []));
    if (methods.length === 0) return done(new ProblemError('not_found', 'There is no such route.'));
    void reply.header('allow', [...new Set(methods)].sort().join(', '));
    done(new ProblemError('method_not_allowed'));
  });
}

/** `/v1/tasks/:id` leads to `/v1/tasks/7`. */
function leadsTo(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return false;
  return wanted.every((part, index) => part === given[index] || (part.startsWith(':') && given[index] !== ''));
}
