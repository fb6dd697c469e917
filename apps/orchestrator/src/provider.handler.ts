import {
  providerContract,
  type ById,
  type CreateProvider,
  type PageQuery,
  type PutCredentials,
  type UpdateProvider,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ProviderService } from './provider.service';

@Handles(providerContract)
export class ProviderHandler {
  constructor(private readonly providers: ProviderService) {}

  create(input: CreateProvider) {
    return this.providers.create(input);
  }

  list(input: PageQuery) {
    return this.providers.list(input);
  }

  get({ id }: ById) {
    return this.providers.get(id);
  }

  update(input: UpdateProvider) {
    return this.providers.update(input);
  }

  remove({ id }: ById) {
    return this.providers.remove(id);
  }

  putCredentials(input: PutCredentials) {
    return this.providers.putCredentials(input);
  }
}
