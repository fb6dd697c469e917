import { Injectable } from '@nestjs/common';
import { RlsPool, sql } from '@taai/entities';

/** The outbox row that asks for a mail: all that jobs hold. */
export interface MailRef {
  tenant_id: string;
  id: string;
}

/** Longer than any attempt takes. */
const LEASE_SECONDS = 60;

/** The relay counted its claim as an attempt, but a mail that waits for its turn is not being attempted. */
const QUEUED = sql('update outbox set attempts = attempts - 1 where id = any ($1)');

const TAKE = sql(`
  update outbox set attempts = attempts + 1, claimed_until = now() + make_interval(secs => ${LEASE_SECONDS})
  where id = $1 returning payload -> 'data' ->> 'token_id' as token_id`);

@Injectable()
export class MailRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Says that the mails are queued. When the relay's lease ends, it claims those again that were not attempted. */
  async queued(ids: readonly string[]): Promise<void> {
    await this.rls.write(QUEUED, [ids]);
  }

  /** Begins an attempt. Resolves to the one-time token that the mail brings; undefined when the mail is done with. */
  async take(id: string): Promise<string | undefined> {
    const [taken] = await this.rls.write<{ token_id: string }>(TAKE, [id]);
    return taken?.token_id;
  }
}
