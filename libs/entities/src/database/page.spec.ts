import { ProblemError } from '@taai/contracts';
import { fitting, idAfter, readCursor, toFittingPage, toPage } from './page';

const row = (id: string, size = 0) => ({ id, text: 'x'.repeat(size) });
const invalid = new ProblemError('invalid_cursor');

describe('a page', () => {
  const rows = [row('a'), row('b'), row('c')];
  const page = (limit: number) => toPage(rows, limit, ({ id }) => [id, 7, null]);

  it('has no cursor where the list ends', () => {
    expect(page(3)).toEqual({ data: rows, has_more: false, next_cursor: null });
    expect(toPage([], 3, () => [])).toEqual({ data: [], has_more: false, next_cursor: null });
  });

  it('has the keys of its last row as its cursor', () => {
    const { data, has_more, next_cursor } = page(2);
    expect([data.length, has_more]).toEqual([2, true]);
    expect(readCursor(next_cursor ?? '', 3)).toEqual(['b', 7, null]);
  });
});

describe('a page of large rows', () => {
  it.each<[string, number[], number, number, boolean]>([
    ['ends where one call could carry no more', [600_000, 600_000, 600_000], 2, 2, true],
    ['is shorter than asked for', [600_000, 900_000, 1], 2, 1, true],
    ['has one row at least', [2_000_000, 1], 2, 1, true],
    ['is whole when it fits', [1, 1, 1], 2, 2, true],
    ['ends with the list', [1, 1], 2, 2, false],
    ['may be empty', [], 2, 0, false],
  ])('%s', (_, sizes, limit, length, has_more) => {
    const rows = sizes.map((size, index) => row(String(index), size));
    expect(toFittingPage(rows, limit)).toMatchObject({ data: { length }, has_more });
  });

  it('counts bytes of JSON', () => {
    expect(fitting([row('\n'.repeat(300_000)), row('ü'.repeat(300_000)), row('x'.repeat(300_000))])).toHaveLength(2);
  });
});

describe('a cursor', () => {
  const id = '01900000-0000-7000-8000-000000000001';
  const write = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url');

  it('names the id that a list goes on after', () => {
    expect(idAfter(undefined)).toBeUndefined();
    expect(idAfter(write([id]))).toBe(id);
  });

  it.each(['nonsense', write({}), write([]), write([id, id]), write([7]), write(['7']), write([[id]])])(
    'is refused when it is %s',
    (cursor) => {
      expect(() => idAfter(cursor)).toThrow(invalid);
    },
  );
});
