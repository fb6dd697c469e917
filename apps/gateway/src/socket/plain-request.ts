import type { IncomingMessage } from 'node:http';
import { trusts } from '../http/request-hooks';
import type { GatewayConfig } from '../config';

/** Whether a request that Fastify does not see came the way that operators ask for: by HTTPS to a proxy that is trusted, or any. */
export function comesAsAsked({ httpsOnly, trustProxy }: Pick<GatewayConfig, 'httpsOnly' | 'trustProxy'>) {
  const isTrusted = trusts(trustProxy);
  return ({ socket, headers }: IncomingMessage): boolean => {
    if (!httpsOnly) return true;
    const protocol = String(headers['x-forwarded-proto'] ?? '')
      .split(',')
      .at(-1);
    return isTrusted(socket.remoteAddress ?? '') && protocol?.trim() === 'https';
  };
}
