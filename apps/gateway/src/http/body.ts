import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { bodyLimitsOf, limits, ProblemError, type BoundMethod } from '@taai/contracts';
import type { FastifyInstance, FastifyRequest, RequestPayload } from 'fastify';
import type { GatewayConfig } from '../config';
import type { InlineFiles } from '../file/inline-files';
import { atMost } from './at-most';
import { mayBringFiles, packedLimit } from './files-in-body';
import { assertModest } from './json-size';

type BodyBounds = Pick<GatewayConfig, 'bodyLimitBytes' | 'fileLimitBytes'>;

const unpack = promisify(gunzip);
/** Base64 of so many bytes, with what stands around it. */
export const inBase64 = (bytes: number) => 4 * Math.ceil(bytes / 3) + 1024;
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Has bodies read as JSON in UTF-8, plain or as gzip, within the bounds of their route. */
export function readBodies(fastify: FastifyInstance, bounds: BodyBounds, files: InlineFiles): void {
  fastify.addHook('onRoute', (route) => {
    const { bound } = route.config ?? {};
    if (bound) route.bodyLimit = bodyLimitOf(bound, bounds);
  });
  fastify.addHook('preParsing', ({ headers }, _reply, _payload, done) => done(refusalOf(headers)));
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const most = packedLimit(request);
    if (most !== undefined)
      return done(null, Readable.from(atMost(payload.iterator({ destroyOnReturn: false }), most)));
    if (!mayBringFiles(request)) return done();
    files.read(request, reply, payload).then((json) => done(null, withoutFiles(request, json)), done);
  });
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

/** Bytes that a body has at most, with a file in base64. */
export const longestBody = ({ bodyLimitBytes, fileLimitBytes }: BodyBounds): number =>
  bodyLimitBytes + inBase64(fileLimitBytes);

/** Bytes of a body, those of its files included. */
function bodyLimitOf(bound: BoundMethod, { bodyLimitBytes, fileLimitBytes }: BodyBounds): number {
  const { bytes, file_bytes } = bodyLimitsOf(bound);
  const plain = Math.min(bytes, bodyLimitBytes);
  return file_bytes === undefined ? plain : plain + inBase64(Math.min(file_bytes, fileLimitBytes));
}

/** The rest of a body, which takes the place of what came: Fastify compares its length with what the head says. */
function withoutFiles({ headers }: FastifyRequest, json: Buffer): RequestPayload {
  const receivedEncodedLength = Number(headers['content-length'] ?? json.length);
  return Object.assign(Readable.from([json]), { receivedEncodedLength });
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
  const { bound } = routeOptions.config;
  const bytesOfRoute = Math.min(routeOptions.bodyLimit, bound ? bodyLimitsOf(bound).bytes : Infinity);
  const most = Math.min(bytesOfRoute, bytes.length * limits.gzipRatio);
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
