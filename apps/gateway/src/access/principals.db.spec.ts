import { randomUUID } from 'node:crypto';
import { currentCaller } from '@taai/tenant';
import { ProblemError, type Principal } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { AccessFeed } from './access-feed';
import { AccessTokens } from './credentials';
import { FakeAuth, newKey, oldKey, sign } from './auth.testing';
import { Principals } from './principals';

const signed = (session_id: string, tenant_id: string, key = newKey) => sign({ sid: session_id, tenant_id }, { key });

describe('Principals', () => {
  const auth = new FakeAuth(7);
  const { rpc } = auth;

  beforeAll(() => auth.start());
  afterAll(() => auth.close());

  function open(accessGraceMs = 30_000) {
    const tokens = new AccessTokens(rpc);
    const principals = new Principals(rpc, tokens, { accessGraceMs });
    return { principals, feed: new AccessFeed(rpc, principals, tokens) };
  }

  async function newSession(more: Partial<Principal> = {}) {
    const [session_id, tenant_id] = [randomUUID(), randomUUID()];
    const rest = { user_id: randomUUID(), api_key_id: null, role: 'admin', permissions: ['*:*'], expires_at: null };
    const principal: Principal = { tenant_id, session_id, ...rest, ...more };
    auth.principals.set(session_id, principal);
    return {
      principal,
      session_id,
      credential: { kind: 'token' as const, token: await signed(session_id, tenant_id) },
    };
  }

  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'admitted',
      (error: { code?: string }) => error.code,
    );

  it('are asked for once, many at a time, and are the same object until they change', async () => {
    const { principals } = open();
    const { credential, principal } = await newSession();
    auth.asked = 0;
    const callers = await Promise.all(Array.from({ length: 20 }, () => principals.find(credential)));
    const caller = await principals.find(credential);
    expect(new Set([...callers, caller]).size).toBe(1);
    expect(auth.asked).toBe(1);
    const { tenant_id, user_id, session_id, role, permissions } = principal;
    expect(caller).toEqual({ tenant_id, user_id, session_id, role, permissions, issuer: 'gateway' });
  });

  it('end with their token or their session, whichever is first, and are looked at again when that is forgotten', async () => {
    const { principals } = open();
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const [soon, later] = [await newSession({ expires_at }), await newSession()];
    const endOf = async ({ credential }: typeof soon) =>
      principals.endOf(await principals.find(credential), credential);
    expect(await endOf(soon)).toBe(Date.parse(expires_at));
    const tokenEnds = await endOf(later);
    expect(tokenEnds).toBeGreaterThan(Date.now() + 3_500_000);
    expect(tokenEnds).toBeLessThanOrEqual(Date.now() + 3_600_000);
    const caller = await principals.find(later.credential);
    expect(principals.endOf(caller, { kind: 'token', token: 'unknown' })).toBe(0);
  });

  it.each(['session_id', 'user_id', 'tenant_id'] as const)(
    'are asked for anew after a change of their %s',
    async (id) => {
      const { principals } = open();
      const { credential, principal, session_id } = await newSession();
      await principals.find(credential);
      auth.principals.set(session_id, new ProblemError('unauthenticated'));
      expect(await codeOf(principals.find(credential))).toBe('admitted');
      await principals.changed(new Set([randomUUID()]), performance.now());
      expect(await codeOf(principals.find(credential))).toBe('admitted');
      await principals.changed(new Set([String(principal[id])]), performance.now());
      expect(await codeOf(principals.find(credential))).toBe('unauthenticated');
    },
  );

  it('that are refused are no question for each request', async () => {
    const { principals } = open();
    const { credential, session_id } = await newSession();
    auth.principals.set(session_id, new ProblemError('tenant_suspended'));
    auth.asked = 0;
    for (let n = 0; n < 5; n++) expect(await codeOf(principals.find(credential))).toBe('tenant_suspended');
    expect(auth.asked).toBe(1);
  });

  it('hear of changes from auth', async () => {
    const { principals, feed } = open();
    const { credential, session_id } = await newSession();
    await principals.find(credential);
    auth.principals.set(session_id, new ProblemError('unauthenticated'));
    auth.changes = [{ kind: 'session', id: session_id }];
    feed.onApplicationBootstrap();
    await until(async () => (await codeOf(principals.find(credential))) === 'unauthenticated');
    await feed.beforeApplicationShutdown();
    auth.changes = [];
  });

  it('are let in for the grace, and no longer, while nobody can tell of changes', async () => {
    const { principals } = open(50);
    const { credential } = await newSession();
    expect(await codeOf(principals.find(credential))).toBe('admitted');
    await until(async () => (await codeOf(principals.find(credential))) === 'service_unavailable');
    await principals.changed(new Set(), performance.now());
    expect(await codeOf(principals.find(credential))).toBe('admitted');
  });

  describe('that are watched', () => {
    it('end when their access does', async () => {
      const { principals } = open();
      const { credential, session_id } = await newSession();
      const watch = principals.watch(await principals.find(credential));
      await principals.changed(new Set([session_id]), performance.now());
      expect(watch.signal.aborted).toBe(false);
      auth.principals.set(session_id, new ProblemError('tenant_suspended'));
      await principals.changed(new Set([session_id]), performance.now());
      expect(watch.signal.reason).toMatchObject({ code: 'tenant_suspended' });
    });

    it('end when they may do something else', async () => {
      const { principals } = open();
      const { credential, session_id, principal } = await newSession();
      const watch = principals.watch(await principals.find(credential));
      auth.principals.set(session_id, { ...principal, role: 'viewer', permissions: ['*:read'] });
      await principals.changed(new Set([principal.user_id]), performance.now());
      expect(watch.signal.reason).toMatchObject({ code: 'unauthenticated' });
    });

    it('end when they may not see any longer what they were let see, and only then are asked about', async () => {
      const { principals } = open();
      const { credential, session_id } = await newSession();
      const [id, checks] = ['0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42', [] as string[]];
      let refusal: ProblemError | undefined;
      const check = async () => {
        checks.push(currentCaller().session_id ?? '');
        if (refusal) throw refusal;
      };
      const watch = principals.watch(await principals.find(credential), { id, check });
      await principals.changed(new Set(['0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e43']), performance.now());
      expect(checks).toEqual([]);
      await principals.changed(new Set([id]), performance.now());
      refusal = new ProblemError('service_unavailable');
      await principals.changed(new Set([id]), performance.now());
      expect([checks, watch.signal.aborted]).toEqual([[session_id, session_id], false]);
      refusal = new ProblemError('not_found');
      await principals.changed(new Set([id]), performance.now());
      expect(watch.signal.reason).toBe(refusal);
    });

    it('are left alone once nobody cares', async () => {
      const { principals } = open();
      const { credential, session_id } = await newSession();
      const watch = principals.watch(await principals.find(credential));
      watch.end();
      auth.principals.set(session_id, new ProblemError('unauthenticated'));
      await principals.changed('all', performance.now());
      expect(watch.signal.aborted).toBe(false);
    });
  });

  describe('by keys', () => {
    it('that have ended are refused, known tokens too', async () => {
      const { principals, feed } = open();
      const { session_id, principal } = await newSession();
      const credential = { kind: 'token' as const, token: await signed(session_id, principal.tenant_id, oldKey) };
      expect(await codeOf(principals.find(credential))).toBe('admitted');
      auth.keys = [newKey];
      feed.onApplicationBootstrap();
      await until(async () => (await codeOf(principals.find(credential))) === 'unauthenticated');
      await feed.beforeApplicationShutdown();
      auth.keys = [oldKey, newKey];
    });

    it('end at their time by themselves', async () => {
      const { session_id, principal } = await newSession();
      const credential = { kind: 'token' as const, token: await signed(session_id, principal.tenant_id, oldKey) };
      auth.keys = [{ ...oldKey, exp: Math.floor(Date.now() / 1000) - 1 }, newKey];
      expect(await codeOf(open().principals.find(credential))).toBe('unauthenticated');
      auth.keys = [{ ...oldKey, exp: Math.floor(Date.now() / 1000) + 60 }, newKey];
      expect(await codeOf(open().principals.find(credential))).toBe('admitted');
      auth.keys = [oldKey, newKey];
    });
  });
});
