import {
  webhookContract,
  type ById,
  type CreateWebhook,
  type PageById,
  type PageQuery,
  type UpdateWebhook,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { WebhookService } from './webhook.service';

@Handles(webhookContract)
export class WebhookHandler {
  constructor(private readonly webhooks: WebhookService) {}

  create(input: CreateWebhook) {
    return this.webhooks.create(input);
  }

  list(input: PageQuery) {
    return this.webhooks.list(input);
  }

  get({ id }: ById) {
    return this.webhooks.get(id);
  }

  update(input: UpdateWebhook) {
    return this.webhooks.update(input);
  }

  remove({ id }: ById) {
    return this.webhooks.remove(id);
  }

  deliveries(input: PageById) {
    return this.webhooks.deliveries(input);
  }

  eventTypes() {
    return this.webhooks.eventTypes();
  }
}
