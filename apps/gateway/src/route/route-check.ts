import type { BoundMethod, PublicMethod } from '@taai/contracts';
import type { FastifyInstance } from 'fastify';

const ACCESS = /^(public|authenticated|session|[a-z_*]+:[a-z_*]+)$/;

/** Routes that no contract describes: they reveal nothing of any tenant. */
const OPEN = /^GET \/(health(\/(live|ready))?|docs(\/.*)?|docs)$/;

/**
 * Watches the routes as they are registered. The check it returns fails the boot unless they are exactly those of the
 * contracts and dialects, each with a declared access, and the open ones: a route without a permission must never serve a request.
 */
export function expectRoutes(fastify: FastifyInstance, routes: readonly BoundMethod<PublicMethod>[]): () => void {
  const registered = new Set<string>();
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const verb of [method].flat()) registered.add(`${verb} ${url}`);
  });
  return () => {
    const undeclared = routes.filter(({ method }) => !ACCESS.test(method.access)).map(({ rpc }) => rpc);
    if (undeclared.length > 0) throw new Error(`These methods declare no access: ${undeclared.join(', ')}.`);
    const contracted = new Set<string>(routes.map(({ method }) => method.http));
    const missing = [...contracted].filter((route) => !registered.has(route));
    if (missing.length > 0) throw new Error(`These routes have no controller: ${missing.join(', ')}.`);
    const isKnown = (route: string) => contracted.has(route) || OPEN.test(route) || /^(HEAD|OPTIONS) /.test(route);
    const unknown = [...registered].filter((route) => !isKnown(route));
    if (unknown.length > 0) throw new Error(`These routes are in no contract: ${unknown.join(', ')}.`);
  };
}
