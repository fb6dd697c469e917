import { ProblemError } from '@taai/contracts';
import { assertPublicUrl, Fernet, openSecret, outboundDispatcher, OutboundRefused, sealSecret } from '@taai/platform';
import { createProvider, leanFetch, type Fetch, type ProviderAdapter } from '@taai/providers';

export interface OutboundConfig {
  /** Fernet keys, newest first. */
  encryptionKeys: readonly string[];
  /** CIDRs that providers may have although private. */
  outboundAllow: readonly string[];
}

/** What it takes to call a tenant's provider. */
export interface Connection {
  provider_id: string;
  kind: string;
  base_url: string | null;
  ciphertext: string;
}

/** The way to tenants' providers: their keys open here alone, and requests leave by one dispatcher that refuses private addresses. */
export class ProviderConnector {
  private readonly fernet: Fernet;
  private readonly fetch: Fetch;

  constructor(private readonly config: OutboundConfig) {
    this.fernet = new Fernet(config.encryptionKeys);
    this.fetch = leanFetch({ dispatcher: outboundDispatcher({ allow: config.outboundAllow }) });
  }

  /** Throws `url_not_allowed` for an address that may not be called. */
  vet(base_url: string | null | undefined): void {
    if (!base_url) return;
    try {
      assertPublicUrl(base_url, this.config.outboundAllow);
    } catch (error) {
      if (error instanceof OutboundRefused) throw new ProblemError('url_not_allowed', error.message);
      throw error;
    }
  }

  seal(tenant_id: string, provider_id: string, api_key: string): { ciphertext: string; key_id: string } {
    const ciphertext = sealSecret(this.fernet, { tenant_id, owner_id: provider_id }, api_key);
    return { ciphertext, key_id: this.fernet.key_ids[0] ?? '' };
  }

  /**
   * Calls nobody yet.
   *
   * @throws ProviderError for a kind without an adapter, or a key that cannot be one; FernetError for one that cannot be opened.
   */
  connect(tenant_id: string, { provider_id, kind, base_url, ciphertext }: Connection): ProviderAdapter {
    const api_key = openSecret(this.fernet, { tenant_id, owner_id: provider_id }, ciphertext);
    return createProvider(kind, { base_url, api_key, fetch: this.fetch });
  }
}
