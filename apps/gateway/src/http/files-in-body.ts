import { bodyLimitsOf, type BodyLimits } from '@taai/contracts';
import type { FastifyRequest } from 'fastify';

type Head = Pick<FastifyRequest, 'headers' | 'routeOptions'>;

const limitsOf = ({ routeOptions: { config } }: Head): BodyLimits | undefined =>
  config.bound && bodyLimitsOf(config.bound);

/** What the head says of the body's length: it may be any, where it says nothing. */
const lengthOf = ({ headers }: Head): number =>
  Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : Infinity));

export const isPacked = ({ headers }: Head): boolean => !/^identity$/i.test(headers['content-encoding'] ?? 'identity');

/** Whether the body may be longer than those without files are. */
const isLong = (request: Head): boolean => {
  const { bytes, file_bytes } = limitsOf(request) ?? { bytes: 0 };
  return file_bytes !== undefined && lengthOf(request) > bytes;
};

/** Whether files may be in the body, so that it is read piece by piece. What is packed, or short, is read as a whole. */
export const mayBringFiles = (request: Head): boolean => isLong(request) && !isPacked(request);

/** Bytes that a packed body may have, as it comes, where the length of others is no bound; undefined for others. */
export const packedLimit = (request: Head): number | undefined =>
  isLong(request) && isPacked(request) ? limitsOf(request)?.bytes : undefined;
