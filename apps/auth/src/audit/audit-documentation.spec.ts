import { createHash } from 'node:crypto';
import { AuditChain, type Sealed } from './audit-chain';
import { documented, recompute } from './audit-documentation.testing';

const vectors = JSON.parse(documented('json')) as Sealed[];
const edited = (more: object) => vectors.map((entry, index) => (index === 1 ? { ...entry, ...more } : entry));

describe('docs/audit-log.md', () => {
  it('shows what the first hash is made of', () => {
    const bytes = documented('text').trimEnd();
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(vectors[0]?.hash);
  });

  it('has a program that finds its test vectors whole, in any order', () => {
    const { seq, hash } = vectors.at(-1) ?? {};
    expect(recompute([...vectors].reverse())).toEqual({ seq, hash });
    expect(recompute(edited({ a_later_field: 1 }))).toEqual({ seq, hash });
  });

  it('has vectors that are sealed here in the same way', () => {
    const chain = new AuditChain({ seq: 0, id: null, hash: null });
    expect(vectors.map((entry) => chain.seal(entry))).toEqual(vectors);
    expect(new AuditChain({ seq: 0, id: null, hash: null }).follow(vectors, vectors.length)).toBeUndefined();
  });

  it.each(Object.keys(vectors[0] ?? {}))('has a program that misses no change of %s', (field) => {
    expect(recompute(edited({ [field]: 'another' }))).toBe('Entry 2 is not as it was written.');
  });
});
