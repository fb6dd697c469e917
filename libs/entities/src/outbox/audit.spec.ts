import { difference } from './audit';

const before = { name: 'a', tags: ['x'], version: 1, updated_at: new Date(0) };

it('tells the fields that differ, by their value', () => {
  const after = { ...before, name: 'b', tags: ['x'], version: 2 };
  expect(difference(before, after)).toEqual({ before: { name: 'a', version: 1 }, after: { name: 'b', version: 2 } });
});

it('tells a field that is gone', () => {
  expect(difference<object>({ name: 'a', colour: 'red' }, { name: 'a' })).toEqual({
    before: { colour: 'red' },
    after: {},
  });
});

it.each([
  ['nothing', {}],
  ['an equal value', { tags: ['x'] }],
  ['version and updated_at alone', { version: 2, updated_at: new Date(1) }],
])('takes %s for no change', (_, change) => {
  expect(difference(before, { ...before, ...change })).toBeUndefined();
});
