import { limits } from '@taai/contracts';
import { from, newcomer, someIp } from '../auth.testing';
import { codes, openIdentity, type Identity, type Person } from '../identity.testing';

let identity: Identity;
let ip: string;
/** An address that somebody has. */
let taken: string;

beforeAll(async () => {
  identity = await openIdentity();
});
beforeEach(async () => {
  ip = someIp();
  taken = (await identity.registrations.register(newcomer())).user.email;
});
afterAll(() => identity.close());

const register = (email = newcomer().email) => from(ip, () => identity.registrations.register(newcomer({ email })));
const invite = (by: Person, email = newcomer().email) =>
  by.at(ip).as(() => identity.invites.invite({ email, role: 'member' }));

/** Asks for the taken address until an answer tells nothing of it any more. */
async function exhaust(ask: () => Promise<unknown>): Promise<void> {
  const answers = await Promise.allSettled(Array.from({ length: limits.emailConflictsPerHour }, ask));
  expect(new Set(codes(answers))).toEqual(new Set(['email_taken']));
  await expect(ask()).rejects.toMatchObject({ code: 'rate_limited' });
}

describe('who has asked too often which addresses are taken', () => {
  it('as a stranger holds up no tenant in the same network', async () => {
    await exhaust(() => register(taken));
    await expect(register()).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(invite(await identity.newUser())).resolves.toMatchObject({ status: 'invited' });
  });

  it('as a tenant holds up neither another tenant nor strangers in the same network', async () => {
    const tenant = await identity.newUser();
    await exhaust(() => invite(tenant, taken));
    await expect(invite(tenant)).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(invite(await identity.newUser())).resolves.toMatchObject({ status: 'invited' });
    await expect(register()).resolves.toMatchObject({ user: { status: 'active' } });
  });
});
