import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { Client } from '../client';
import { asSuperuser } from '../database';
import { eventually } from '../eventually';
import { newTenant, type TestTenant } from '../tenant';

/** Longer than the minute of the limit of log-ins. */
const LOGIN_SECONDS = 90;

/** Of a fleet what a crowd has to know. */
export interface Stage {
  gateways: [string, string];
  sandboxUrl: string;
  adminDatabaseUrl: string;
}

/** A user of a tenant, by the session that they have now. */
export class Person {
  private constructor(
    private readonly email: string,
    private readonly password: string,
    private session: Client,
  ) {}

  /** A member of the tenant. */
  static async join({ tenant_id, user_id, client, password }: TestTenant, stage: Stage): Promise<Person> {
    const email = `${randomUUID()}@example.com`;
    const sql = `insert into users (tenant_id, id, email, role, password_hash)
      select $1, $2, $3, 'member', password_hash from users where id = $4`;
    await asSuperuser(stage.adminDatabaseUrl, sql, [tenant_id, randomUUID(), email, user_id]);
    const person = new Person(email, password, client);
    await person.logIn();
    return person;
  }

  get client(): Client {
    return this.session;
  }

  get id(): string {
    return decodeJwt(this.session.token ?? '').sub ?? '';
  }

  async logIn(): Promise<void> {
    const { email, password } = this;
    // A network may log in 300 times a minute: whoever comes too early is told to come again.
    await eventually(async () => {
      const { status, body } = await this.session.withToken('').post('/v1/auth/login', { email, password });
      if (status !== 200) throw new Error(`Login answered ${status}: ${JSON.stringify(body)}`);
      this.session = this.session.withToken(body['access_token']);
    }, LOGIN_SECONDS);
  }

  /** Ends the session, and with it all that was opened by it. */
  async logOut(): Promise<void> {
    const { sid } = decodeJwt(this.session.token ?? '');
    const { status } = await this.session.delete(`/v1/auth/sessions/${String(sid)}`);
    if (status !== 204) throw new Error(`Ending the session answered ${status}.`);
  }
}

export const newTenantOf = ({ gateways }: Stage): Promise<TestTenant> => newTenant(new Client(gateways[0]));
