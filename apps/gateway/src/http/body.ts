import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { bodyLimitsOf, limits, ProblemError } from '@taai/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertModest } from './json-size';

const unpack = promisify(gunzip);
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/**
 * Has bodies read as JSON in UTF-8, plain or as gzip, within the bounds of their route. `most`: bytes that no route goes beyond.
 */
export function readBodies(fastify: FastifyInstance, most: number): void {
  fastify.addHook('onRoute', (route) => {
    const { bound } = route.config ?? {};
    if (bound) route.bodyLimit = Math.min(bodyLimitsOf(bound).bytes, most);
  });
  fastify.addHook('preParsing', ({ headers }, _reply, _payload, done) => done(refusalOf(headers)));
  // Fastify's own refuses keys that would change a prototype.
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  // A form is read by the route that takes one, while it comes.
  fastify.addContentTypeParser('multipart/form-data', ({ routeOptions: { config } }, _body, done) =>
    done(config.bound?.method.upload ? null : new ProblemError('unsupported_media_type', 'The body must be JSON.')),
  );
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    jsonOf(request, bytes).then((json) => void parse(request, json, done), done);
  });
}

function refusalOf({
  'content-type': type = '',
  'content-encoding': encoding = 'identity',
}: FastifyRequest['headers']) {
  const [, charset = 'utf-8'] = CHARSET.exec(type) ?? [];
  if (!/^utf-?8$/i.test(charset)) return new ProblemError('unsupported_media_type', 'JSON is read as UTF-8 alone.');
  if (!/^(identity|gzip)$/i.test(encoding))
    return new ProblemError('unsupported_media_type', 'A body is sent as it is, or as gzip.');
  return null;
}

async function jsonOf(request: FastifyRequest, bytes: Buffer): Promise<string> {
  const json = decoded(await unpacked(request, bytes));
  assertModest(json, valuesOf(request));
  return json;
}

const valuesOf = ({ routeOptions: { config } }: FastifyRequest): number =>
  config.bound ? bodyLimitsOf(config.bound).values : limits.bodyValues;

/** Throws `payload_too_large` as soon as more than the route takes, or than such a body should hold, has come out. */
async function unpacked({ headers, routeOptions }: FastifyRequest, bytes: Buffer): Promise<Buffer> {
  if (!/^gzip$/i.test(headers['content-encoding'] ?? '')) return bytes;
  const most = Math.min(routeOptions.bodyLimit, bytes.length * limits.gzipRatio);
  try {
    return await unpack(bytes, { maxOutputLength: most });
  } catch (error) {
    if (isTooLarge(error)) throw new ProblemError('payload_too_large');
    throw new ProblemError('malformed_request', 'The body is not gzip.');
  }
}

const isTooLarge = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ProblemError('malformed_request', 'The body is not UTF-8.');
  }
}
