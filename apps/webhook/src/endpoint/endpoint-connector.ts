import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { outboundDispatcher, vetUrl } from '@taai/platform';
import type { Agent } from 'undici';

/** Connects to tenants' endpoints. Requests leave by one dispatcher that refuses private addresses. */
@Injectable()
export class EndpointConnector implements OnApplicationShutdown {
  readonly dispatcher: Agent;

  /** @param allow CIDRs that may be called although private. */
  constructor(private readonly allow: readonly string[]) {
    this.dispatcher = outboundDispatcher({ allow });
  }

  /** Throws `url_not_allowed` for an address that may not be called. */
  vet(url: string): void {
    vetUrl(url, this.allow);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dispatcher.close();
  }
}
