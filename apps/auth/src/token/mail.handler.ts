import { found, mailContract, type ComposeMail } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { OneTimeTokenRepository } from './one-time-token.repository';

@Handles(mailContract)
export class MailHandler {
  constructor(private readonly tokens: OneTimeTokenRepository) {}

  async compose({ token_id }: ComposeMail) {
    return found('link', await this.tokens.mint(token_id));
  }
}
