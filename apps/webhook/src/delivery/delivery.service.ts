import { Injectable } from '@nestjs/common';
import { FernetError, log, SecretBox } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DeliveryQueue } from './delivery.queue';
import { DeliveryRepository, type Attempt, type DeliveryRef, type Ending } from './delivery.repository';
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
    private readonly queue: DeliveryQueue,
    private readonly connector: EndpointConnector,
    private readonly secrets: SecretBox,
  ) {}

  /** Attempts a delivery, if it is due and nobody else does. A failed attempt has its successor scheduled. */
  attempt({ tenant_id, id }: DeliveryRef): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, async () => {
      const attempt = await this.deliveries.claim(id);
      if (attempt) await this.end(attempt, await this.send(attempt));
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

  private async end(attempt: Attempt, answer: Answer): Promise<void> {
    const { tenant_id } = currentCaller();
    const ending = endingOf(attempt.attempts, answer);
    if (ending.status_code === GONE) await this.webhooks.deactivate(attempt.webhook_id);
    const waiting = await this.deliveries.finish(attempt, ending);
    if (!waiting) return;
    await this.queue.wake(waiting.map((id) => ({ tenant_id, id })));
    if (ending.retry_ms !== undefined)
      await this.queue.wakeLater({ tenant_id, id: attempt.id }, attempt.attempts, ending.retry_ms);
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
