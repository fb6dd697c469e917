import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

const YEAR_SECONDS = 31_536_000;

/** An answer is data: whoever shows it as a page gets nothing to run, load or frame. */
const api = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };

/** Swagger UI: its own files, the styles that it writes itself, its icons. */
const docs = {
  ...api,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
};

const isDocs = (url: string) => url === '/docs' || url.startsWith('/docs/');

/** Every answer tells browsers to trust nothing; HSTS only where all traffic comes by HTTPS. */
export async function addSecurityHeaders(
  fastify: FastifyInstance,
  { httpsOnly }: { httpsOnly: boolean },
): Promise<void> {
  fastify.addHook('onRoute', (route) => {
    if (isDocs(route.url)) route.helmet = { contentSecurityPolicy: { useDefaults: false, directives: docs } };
  });
  await fastify.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: api },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: httpsOnly && { maxAge: YEAR_SECONDS, includeSubDomains: true },
  });
}

/** For answers that are written before any hook runs. */
export const earlyHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;
