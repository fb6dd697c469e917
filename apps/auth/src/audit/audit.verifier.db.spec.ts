import { currentCaller, runAs } from '@taai/tenant';
import { AuditChain } from './audit-chain';
import { openAuditLog, record, records, type AuditLogUnderTest } from './audit.testing';
import { AuditVerifier } from './audit.verifier';

let log: AuditLogUnderTest;
let tenant: string;

beforeAll(async () => {
  log = await openAuditLog();
});
afterAll(() => log.close());
afterEach(() => jest.restoreAllMocks());
beforeEach(async () => {
  tenant = await log.createTenant();
});

/** The rows of an intact log. */
function sealed(count: number) {
  const chain = new AuditChain({ seq: 0, id: null, hash: null });
  return Array.from({ length: count }, () => chain.seal({ ...record(), tenant_id: tenant }));
}

describe('verify', () => {
  /** Exchanges columns of two rows; their seqs are unique, so that one has to step aside. */
  const swapSeqs = `
    update audit_logs set seq = -1 where seq = 3 and tenant_id = $1;
    update audit_logs set seq = 3 where seq = 5 and tenant_id = $1;
    update audit_logs set seq = 5 where seq = -1 and tenant_id = $1`;
  const swapping = (columns: string) => `
    update audit_logs l set (${columns}) = (select ${columns} from audit_logs o where o.tenant_id = l.tenant_id and o.seq = 8 - l.seq)
    where l.tenant_id = $1 and l.seq in (3, 5)`;
  const set = (what: string, seq = 4) => `update audit_logs set ${what} where tenant_id = $1 and seq = ${seq}`;
  const remove = (seq: number) => `delete from audit_logs where tenant_id = $1 and seq = ${seq}`;
  const forge = (seq: number) => `
    insert into audit_logs (tenant_id, id, seq, actor_type, action, hash) values ($1, gen_random_uuid(), ${seq}, 'user', 'x.forged', 'x')`;

  it.each([
    ['an action edited', set(`action = 'agent.deleted'`), 4, 'edited'],
    ['an actor edited', set(`actor_id = 'bob'`), 4, 'edited'],
    ['an actor taken out', set('actor_id = null'), 4, 'edited'],
    ['a type of actor edited', set(`actor_type = 'service'`), 4, 'edited'],
    ['a target edited', set(`target_id = 'other'`), 4, 'edited'],
    ['a state edited', set(`after = '{"name": "Newer"}'`), 4, 'edited'],
    ['a state taken out', set('before = null'), 4, 'edited'],
    ['an address edited', set(`ip = '192.0.2.8'`), 4, 'edited'],
    ['a request edited', set(`request_id = 's'`), 4, 'edited'],
    ['a time edited by a microsecond', set(`created_at = created_at + interval '1 us'`), 4, 'edited'],
    ['an id edited', set('id = gen_random_uuid()'), 4, 'edited'],
    ['a hash edited', set(`hash = repeat('0', 64)`), 4, 'edited'],
    ['a link edited', set(`previous_hash = repeat('0', 64)`), 4, 'unlinked'],
    ['the first edited', set(`action = 'x.y'`, 1), 1, 'edited'],
    ['the last edited', set(`action = 'x.y'`, 7), 7, 'edited'],
    ['one deleted', remove(4), 4, 'missing'],
    ['the first deleted', remove(1), 1, 'missing'],
    ['the last deleted', remove(7), 7, 'missing'],
    ['all deleted', 'delete from audit_logs where tenant_id = $1', 1, 'missing'],
    ['two swapped by their seqs', swapSeqs, 3, 'unlinked'],
    ['two swapped by what they say', swapping('action, before, after, created_at'), 3, 'edited'],
    ['two swapped with their hashes', swapping('action, before, after, created_at, hash'), 3, 'edited'],
    ['two swapped whole', swapping('action, before, after, created_at, hash, previous_hash'), 3, 'unlinked'],
    ['one added at the end', forge(8), 8, 'unexpected'],
    ['one added before the first', forge(0), 0, 'unexpected'],
    [
      'the last deleted and the head set back',
      `${remove(7)}; update audit_heads set seq = 6 where tenant_id = $1`,
      6,
      'head_differs',
    ],
    ['the head deleted', 'delete from audit_heads where tenant_id = $1', 1, 'unexpected'],
    ['the hash in the head edited', `update audit_heads set hash = 'x' where tenant_id = $1`, 7, 'head_differs'],
  ])('names the first broken entry: %s', async (_, sql, seq, reason) => {
    for (let n = 1; n <= 7; n += 1) await log.append(tenant, [record({ action: `agent.changed_${n}`, after: { n } })]);
    await log.append(await log.createTenant(), records(2));
    for (const statement of sql.split(';')) await log.admin.query(statement, [tenant]);
    const { rows } = await log.admin.query('select id from audit_logs where tenant_id = $1 and seq = $2', [
      tenant,
      seq,
    ]);
    expect(await log.verify(tenant)).toMatchObject({
      is_intact: false,
      next_after: null,
      broken: { seq, id: rows[0]?.id ?? null, reason },
    });
  });

  it('goes on after an entry, from what that entry is', async () => {
    await log.append(tenant, records(5));
    expect(await log.verify(tenant, 3)).toMatchObject({ is_intact: true, checked: 2, next_after: null });
    expect(await log.verify(tenant, 5)).toMatchObject({ is_intact: true, checked: 0, next_after: null });
    await expect(log.verify(tenant, 6)).rejects.toMatchObject({ code: 'validation_failed' });
    await log.admin.query(remove(3), [tenant]);
    expect(await log.verify(tenant, 3)).toMatchObject({ broken: { seq: 3, id: null, reason: 'missing' } });
  });

  it('checks 50,000 entries a call, and says where the next one goes on', async () => {
    const rows = sealed(50_001);
    const { repository } = log;
    const { seq, hash } = rows.at(-1) ?? { seq: 0, hash: '' };
    jest.spyOn(repository, 'ends').mockResolvedValue({ head: { seq, hash }, stray: undefined });
    jest.spyOn(repository, 'link').mockImplementation(async (at) => rows[at - 1]);
    jest.spyOn(repository, 'read').mockImplementation(async (after, upTo) => rows.slice(after, upTo));
    const verifier = new AuditVerifier(repository);
    const verify = (after: number) =>
      runAs({ tenant_id: tenant, permissions: [], issuer: 'gateway' }, () => verifier.verify(after));
    expect(await verify(0)).toMatchObject({ is_intact: true, checked: 50_000, next_after: 50_000 });
    expect(await verify(50_000)).toMatchObject({ is_intact: true, checked: 1, next_after: null });
  }, 60_000);

  it('lets tenants take turns, so that the long logs of others keep nobody waiting', async () => {
    const logs = new Map([1, 2, 3].map((n) => [`tenant ${n}`, sealed(n === 3 ? 200 : 3000)]));
    const ours = () => logs.get(currentCaller().tenant_id) ?? [];
    const reads: string[] = [];
    const { repository } = log;
    jest.spyOn(repository, 'ends').mockImplementation(async () => {
      const { seq, hash } = ours().at(-1) ?? { seq: 0, hash: '' };
      return { head: { seq, hash }, stray: undefined };
    });
    jest.spyOn(repository, 'read').mockImplementation(async (after, upTo) => {
      reads.push(currentCaller().tenant_id);
      return ours().slice(after, upTo);
    });
    const verifier = new AuditVerifier(repository);
    const verify = (tenant_id: string) =>
      runAs({ tenant_id, permissions: [], issuer: 'gateway' }, () => verifier.verify(0));

    const verified = await Promise.all([...logs.keys()].map(verify));

    expect(verified).toMatchObject([3000, 3000, 200].map((checked) => ({ is_intact: true, checked })));
    expect(reads.lastIndexOf('tenant 3')).toBeLessThan(10);
  });

  it('finds nothing wrong with an empty log', async () => {
    expect(await log.verify(tenant)).toEqual({
      is_intact: true,
      checked: 0,
      next_after: null,
      broken: null,
      head: null,
    });
  });
});
