import { apiKeyContract, type ById, type CreateApiKey, type PageQuery } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ApiKeyService } from './api-key.service';

@Handles(apiKeyContract)
export class ApiKeyHandler {
  constructor(private readonly apiKeys: ApiKeyService) {}

  list(input: PageQuery) {
    return this.apiKeys.list(input);
  }

  create(input: CreateApiKey) {
    return this.apiKeys.create(input);
  }

  remove({ id }: ById) {
    return this.apiKeys.remove(id);
  }
}
