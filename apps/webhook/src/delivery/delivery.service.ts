import { Injectable } from '@nestjs/common';
import { FernetError, log, SecretBox } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DeliveryRepository, type Attempt, type Ending } from './delivery.repository';
import { EndpointConnector } from '../endpoint/endpoint-connector';
import { postSigned, type Answer } from './signed-post';
import { retryDelay } from './retry-schedule';
import { WebhookService } from '../endpoint/webhook.service';

/** An endpoint that answers so wants no more events. */
const GONE = 410;

@Injectable()
export class DeliveryService {
  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly webhooks: WebhookService,
    private readonly connector: EndpointConnector,
    private readonly secrets: SecretBox,
  ) {}

  /** Takes up to `limit` of a tenant's deliveries for one attempt each. */
  claim(tenant_id: string, limit: number): Promise<Attempt[]> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, () => this.deliveries.claim(limit));
  }

  /** Makes an attempt that was claimed. One that fails has its successor scheduled. */
  attempt(tenant_id: string, attempt: Attempt): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, async () => {
      const ending = endingOf(attempt.attempts, await this.send(attempt));
      if (ending.status_code === GONE) await this.webhooks.deactivate(attempt.webhook_id);
      await this.deliveries.finish(attempt, ending);
    });
  }

  private async send({ webhook_id, url, secret_ciphertext, payload }: Attempt): Promise<Answer> {
    const { id, type, created_at, tenant_id, data } = payload;
    try {
      const secret = this.secrets.open(
        { tenant_id: currentCaller().tenant_id, owner_id: webhook_id },
        secret_ciphertext,
      );
      // Field by field, because the database keeps no order and a body is signed as it is written.
      const body = JSON.stringify({ id, type, created_at, tenant_id, data });
      return await postSigned(this.connector.dispatcher, { url, secret, id, body });
    } catch (error) {
      if (!(error instanceof FernetError)) throw error;
      log.error({ webhook_id }, 'the secret of an endpoint opens with none of the keys in ENCRYPTION_KEYS');
      return { error: 'The signing secret cannot be opened.' };
    }
  }
}

function endingOf(attempts: number, answer: Answer): Ending {
  const status_code = 'status_code' in answer ? answer.status_code : null;
  const error = 'error' in answer ? answer.error : null;
  if (status_code !== null && status_code >= 200 && status_code < 300)
    return { status: 'delivered', status_code, error };
  const retry_ms = status_code === GONE ? undefined : retryDelay(attempts);
  return retry_ms === undefined
    ? { status: 'failed', status_code, error }
    : { status: 'pending', retry_ms, status_code, error };
}
