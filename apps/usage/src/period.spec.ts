import { periodOf } from './period';

const now = new Date('2026-03-31T10:00:00Z');

describe('periodOf', () => {
  it('is the last 30 days if nothing is said', () => {
    expect(periodOf({}, now)).toEqual({ from: new Date('2026-03-01T10:00:00Z'), to: now });
    expect(periodOf({ to: '2026-02-01' }, now).from).toEqual(new Date('2026-01-02T00:00:00Z'));
  });

  it('takes a time without a zone as UTC, wherever the server stands', () => {
    const { from, to } = periodOf({ from: '2026-01-01T08:00', to: '2026-01-01T12:00:00+02:00' }, now);
    expect([from.toISOString(), to.toISOString()]).toEqual(['2026-01-01T08:00:00.000Z', '2026-01-01T10:00:00.000Z']);
  });

  it.each([
    [{ from: '2026-W05' }, 'from'],
    [{ to: '2026-13-01' }, 'to'],
    [{ from: '2026-02-01', to: '2026-02-01' }, 'from'],
  ])('refuses %j', (query, path) => {
    expect(() => periodOf(query, now)).toThrow(
      expect.objectContaining({ extras: { errors: [expect.objectContaining({ path })] } }),
    );
  });
});
