import {
  providerContract,
  type ById,
  type CreateProvider,
  type ListProviderModels,
  type PageQuery,
  type PutCredentials,
  type TestProvider,
  type UpdateProvider,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ProviderCheckService } from './provider-check.service';
import { ProviderService } from './provider.service';

@Handles(providerContract)
export class ProviderHandler {
  constructor(
    private readonly providers: ProviderService,
    private readonly checks: ProviderCheckService,
  ) {}

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

  models({ id, refresh }: ListProviderModels) {
    return this.checks.models(id, refresh === 'true');
  }

  test({ id, model }: TestProvider) {
    return this.checks.test(id, model);
  }

  health({ id }: ById) {
    return this.checks.health(id);
  }
}
