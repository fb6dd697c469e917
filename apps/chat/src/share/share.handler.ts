import { shareContract, type ById, type CreateShare, type FollowShared, type ReadShared } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ShareService } from './share.service';

@Handles(shareContract)
export class ShareHandler {
  constructor(private readonly shares: ShareService) {}

  create(input: CreateShare) {
    return this.shares.create(input);
  }

  list({ id }: ById) {
    return this.shares.list(id);
  }

  revoke({ id }: ById) {
    return this.shares.revoke(id);
  }

  read(input: ReadShared) {
    return this.shares.read(input);
  }

  follow(input: FollowShared) {
    return this.shares.follow(input);
  }
}
