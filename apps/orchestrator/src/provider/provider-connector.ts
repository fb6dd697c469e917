import type { ProviderKind } from '@taai/contracts';
import { outboundDispatcher, vetUrl, type SecretBox } from '@taai/platform';
import { createProvider, leanFetch, type Fetch, type ProviderAdapter } from '@taai/providers';

/** What it takes to call a tenant's provider. */
export interface Connection {
  provider_id: string;
  kind: ProviderKind;
  base_url: string | null;
  ciphertext: string;
}

/** Connects to tenants' providers: it alone opens their keys, and its one dispatcher refuses private addresses. */
export class ProviderConnector {
  private readonly fetch: Fetch;

  /** @param outboundAllow CIDRs that providers may have although private. */
  constructor(
    private readonly secrets: SecretBox,
    private readonly outboundAllow: readonly string[],
  ) {
    this.fetch = leanFetch({ dispatcher: outboundDispatcher({ allow: outboundAllow }) });
  }

  /** Throws `url_not_allowed` for an address that may not be called. */
  vet(base_url: string | null | undefined): void {
    if (base_url) vetUrl(base_url, this.outboundAllow);
  }

  /**
   * Calls nobody yet.
   *
   * @throws ProviderError for a kind without an adapter, or a key that cannot be one; FernetError for one that cannot be opened.
   */
  connect(tenant_id: string, { provider_id, kind, base_url, ciphertext }: Connection): ProviderAdapter {
    const api_key = this.secrets.open({ tenant_id, owner_id: provider_id }, ciphertext);
    return createProvider(kind, { base_url, api_key, fetch: this.fetch });
  }
}
