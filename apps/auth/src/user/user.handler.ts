import {
  userContract,
  type AcceptInvite,
  type ById,
  type InviteUser,
  type PageQuery,
  type UpdateUser,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { InviteService } from './invite.service';
import { UserService } from './user.service';

@Handles(userContract)
export class UserHandler {
  constructor(
    private readonly users: UserService,
    private readonly invites: InviteService,
  ) {}

  list(input: PageQuery) {
    return this.users.list(input);
  }

  invite(input: InviteUser) {
    return this.invites.invite(input);
  }

  inviteAgain({ id }: ById) {
    return this.invites.inviteAgain(id);
  }

  acceptInvite(input: AcceptInvite) {
    return this.invites.accept(input);
  }

  get({ id }: ById) {
    return this.users.get(id);
  }

  update(input: UpdateUser) {
    return this.users.update(input);
  }

  remove({ id }: ById) {
    return this.users.remove(id);
  }
}
