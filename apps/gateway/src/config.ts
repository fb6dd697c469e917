import { limits } from '@taai/contracts';
import { gatewayPort, readVariables } from '@taai/platform';
import { bool, makeValidator, num, port } from 'envalid';
import { parseOrigins, parseProxies } from './http/edge-variables';

const origins = makeValidator(parseOrigins);
const proxies = makeValidator(parseProxies);

/** Reads the gateway's own variables. */
export function readGatewayConfig() {
  const env = readVariables({
    PORT: port({ default: gatewayPort }),
    CORS_ORIGINS: origins({ default: [] }),
    BODY_LIMIT_BYTES: num({ default: limits.callBytes, desc: 'the most that any route takes' }),
    FILE_LIMIT_BYTES: num({ default: limits.fileBytes, desc: 'the most that an uploaded file has' }),
    ACCESS_GRACE_SECONDS: num({ default: 30, desc: 'how long known callers are let in while auth does not answer' }),
    TRUST_PROXY: proxies({ default: [], desc: 'whose X-Forwarded-For, -Proto and -Host are believed' }),
    HTTPS_ONLY: bool({ default: false, desc: 'refuse what a trusted proxy did not receive by HTTPS' }),
  });
  return {
    port: env.PORT,
    corsOrigins: env.CORS_ORIGINS,
    bodyLimitBytes: env.BODY_LIMIT_BYTES,
    fileLimitBytes: env.FILE_LIMIT_BYTES,
    trustProxy: env.TRUST_PROXY,
    accessGraceMs: env.ACCESS_GRACE_SECONDS * 1000,
    httpsOnly: env.HTTPS_ONLY,
  };
}

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;
