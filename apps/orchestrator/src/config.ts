import { list, readVariables } from '@taai/platform';

/** Reads the orchestrator's own variables: Fernet keys of stored secrets, newest first, and CIDRs that may be called although private. */
export function readOrchestratorConfig() {
  const env = readVariables({ ENCRYPTION_KEYS: list(), OUTBOUND_ALLOW: list({ default: [] }) });
  return { encryptionKeys: env.ENCRYPTION_KEYS, outboundAllow: env.OUTBOUND_ALLOW };
}

export type OrchestratorConfig = ReturnType<typeof readOrchestratorConfig>;
