import { accessContract, type ByApiKey, type BySession, type ByUser, type ListAccessChanges } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { AccessService } from './access.service';

@Handles(accessContract)
export class AccessHandler {
  constructor(private readonly access: AccessService) {}

  session(input: BySession) {
    return this.access.session(input);
  }

  apiKey(input: ByApiKey) {
    return this.access.apiKey(input);
  }

  user(input: ByUser) {
    return this.access.user(input);
  }

  changes(input: ListAccessChanges) {
    return this.access.changes(input);
  }
}
