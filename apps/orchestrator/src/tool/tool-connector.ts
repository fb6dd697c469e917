import { FernetError, log, outboundDispatcher, vetUrl, type SealedSecret, type SecretBox } from '@taai/platform';
import { leanFetch, type Fetch } from '@taai/providers';
import type { Dispatcher } from 'undici';
import { ToolFailure } from './loaded-tool';

/** A client holds no more than this of an answer, or of one event of a stream. */
const MAX_HELD_BYTES = 1024 * 1024;

/** Where a tool keeps its secret headers. */
export interface SecretHolder {
  tenant_id: string;
  id: string;
  secret_ciphertext: string | null;
}

/** Connects to tenants' servers: it alone opens secret headers, and its one dispatcher refuses private addresses. */
export class ToolConnector {
  readonly dispatcher: Dispatcher;
  readonly fetch: Fetch;

  /** @param outboundAllow CIDRs that tools may call although private. */
  constructor(
    private readonly secrets: SecretBox,
    private readonly outboundAllow: readonly string[],
  ) {
    this.dispatcher = outboundDispatcher({ allow: outboundAllow });
    this.fetch = leanFetch({ dispatcher: this.dispatcher, max_held_bytes: MAX_HELD_BYTES });
  }

  /** Throws `url_not_allowed` for an address that may not be called. */
  vet(url: string): void {
    vetUrl(url, this.outboundAllow);
  }

  seal({ tenant_id, id }: Omit<SecretHolder, 'secret_ciphertext'>, headers: Record<string, string>): SealedSecret {
    return this.secrets.seal({ tenant_id, owner_id: id }, JSON.stringify(headers));
  }

  /** Throws ToolFailure `secrets_unreadable` when no key opens them, or they were another tool's. */
  open({ tenant_id, id, secret_ciphertext }: SecretHolder): Record<string, string> {
    if (secret_ciphertext === null) return {};
    try {
      return JSON.parse(this.secrets.open({ tenant_id, owner_id: id }, secret_ciphertext)) as Record<string, string>;
    } catch (error) {
      if (!(error instanceof FernetError)) throw error;
      log.error({ tenant_id, tool_id: id }, "a tool's secret headers cannot be opened");
      throw new ToolFailure('secrets_unreadable', "The tool's secret headers cannot be decrypted: store them again.");
    }
  }
}
