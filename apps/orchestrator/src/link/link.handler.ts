import { linkContract, type FetchLink } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { LinkFetcher } from './link-fetcher';

@Handles(linkContract)
export class LinkHandler {
  constructor(private readonly links: LinkFetcher) {}

  fetch(input: FetchLink, signal: AbortSignal) {
    return this.links.fetch(input, signal);
  }
}
