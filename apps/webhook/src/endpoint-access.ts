import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { assertPublicUrl, Fernet, openSecret, outboundDispatcher, OutboundRefused, sealSecret } from '@taai/platform';
import type { Agent } from 'undici';

export interface OutboundConfig {
  /** Fernet keys, newest first. */
  encryptionKeys: readonly string[];
  /** CIDRs that may be called although private. */
  outboundAllow: readonly string[];
}

/** Guards the way to tenants' endpoints: their secrets open here alone, and requests leave by one dispatcher that refuses private addresses. */
@Injectable()
export class EndpointAccess implements OnApplicationShutdown {
  readonly dispatcher: Agent;
  private readonly fernet: Fernet;

  constructor(private readonly config: OutboundConfig) {
    this.fernet = new Fernet(config.encryptionKeys);
    this.dispatcher = outboundDispatcher({ allow: config.outboundAllow });
  }

  /** Throws `url_not_allowed` for an address that may not be called. */
  vet(url: string): void {
    try {
      assertPublicUrl(url, this.config.outboundAllow);
    } catch (error) {
      throw error instanceof OutboundRefused ? new ProblemError('url_not_allowed', error.message) : error;
    }
  }

  seal(tenant_id: string, webhook_id: string, secret: string): string {
    return sealSecret(this.fernet, { tenant_id, owner_id: webhook_id }, secret);
  }

  /** Throws a FernetError when no live key opens it. */
  open(tenant_id: string, webhook_id: string, ciphertext: string): string {
    return openSecret(this.fernet, { tenant_id, owner_id: webhook_id }, ciphertext);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dispatcher.close();
  }
}
