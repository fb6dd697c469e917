import { turnsOf } from './turns';

const held = (tenant: string, count: number) => Array.from({ length: count }, () => tenant);

describe('turnsOf', () => {
  it('leaves as many places as one tenant may have to the next', () => {
    expect(turnsOf(['a'], [], 12)).toEqual([{ tenant_id: 'a', places: 6 }]);
    expect(turnsOf(['a', 'b'], [], 12)).toEqual([
      { tenant_id: 'a', places: 4 },
      { tenant_id: 'b', places: 4 },
    ]);
  });

  it('gives nothing more to who holds a share already', () => {
    expect(turnsOf(['a', 'b'], held('a', 6), 12)).toEqual([{ tenant_id: 'b', places: 4 }]);
  });

  it('counts those who hold places and wait for none', () => {
    expect(turnsOf(['a'], held('b', 2), 12)).toEqual([{ tenant_id: 'a', places: 4 }]);
  });

  it('gives one place each, first come first served, when there are more tenants than places', () => {
    expect(turnsOf(['a', 'b', 'c', 'd'], ['x'], 3)).toEqual([
      { tenant_id: 'a', places: 1 },
      { tenant_id: 'b', places: 1 },
    ]);
  });

  it('gives never more than is free', () => {
    expect(turnsOf(['b', 'c'], held('a', 11), 12)).toEqual([{ tenant_id: 'b', places: 1 }]);
  });
});
