import { roleContract, type ById, type CreateRole, type PageQuery, type UpdateRole } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { RoleService } from './role.service';

@Handles(roleContract)
export class RoleHandler {
  constructor(private readonly roles: RoleService) {}

  list(input: PageQuery) {
    return this.roles.list(input);
  }

  create(input: CreateRole) {
    return this.roles.create(input);
  }

  update(input: UpdateRole) {
    return this.roles.update(input);
  }

  remove({ id }: ById) {
    return this.roles.remove(id);
  }
}
