import { Injectable } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { FernetError, log, SecretBox } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { DeliveryQueue } from './delivery.queue';
import { DeliveryRepository, type Attempt, type DeliveryRef, type Ending, type Target } from './delivery.repository';
import { EndpointConnector } from '../endpoint/endpoint-connector';
import { postSigned, type Answer } from './signed-post';
import { MAX_ATTEMPTS, retryDelay } from './retry-schedule';
import { WebhookService } from '../endpoint/webhook.service';

/** An endpoint that answers so wants no more events. */
const GONE = 410;

@Injectable()
export class DeliveryService {
  constructor(
    private readonly db: DataSource,
    private readonly deliveries: DeliveryRepository,
    private readonly webhooks: WebhookService,
    private readonly queue: DeliveryQueue,
    private readonly connector: EndpointConnector,
    private readonly secrets: SecretBox,
  ) {}

  /** Attempts a delivery, if it is due and nobody else does. A failed attempt has its successor scheduled. */
  attempt({ tenant_id, id }: DeliveryRef): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, async () => {
      const attempt = await this.claim(id);
      if (attempt) await this.end(attempt, await this.send(attempt));
    });
  }

  /**
   * Takes a delivery for one attempt. Resolves to undefined when it is not to be attempted now: it has ended, another replica has
   * it, it is not due, or its endpoint has all places taken.
   */
  claim(id: string): Promise<Attempt | undefined> {
    return withTenant(this.db, async (tx) => {
      const target = await this.deliveries.lockTarget(tx, id);
      if (!target) return undefined;
      const reason = whyGivenUp(target);
      if (reason !== undefined) return this.deliveries.giveUp(tx, id, reason);
      const { webhook_id, url, secret_ciphertext } = target;
      const taken = await this.deliveries.take(tx, id, webhook_id);
      if (!taken) return this.deliveries.postpone(tx, id);
      return { webhook_id, url, secret_ciphertext, ...taken };
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

/** Why there is no further attempt; undefined when there is one. */
function whyGivenUp({ is_active, attempts }: Target): string | undefined {
  if (!is_active) return 'The endpoint is not active.';
  return attempts >= MAX_ATTEMPTS ? 'The last attempt did not end.' : undefined;
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
