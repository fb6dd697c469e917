import { readDirectives, withoutDirectives } from './directives';

const call = (name: string, args = '{}') => ({ name, arguments: args });

it.each([
  ['[[tool=now]]', [[call('now')]]],
  ['[[tool=now:]] [[tool=a.b-c:{}]]', [[call('now'), call('a.b-c')]]],
  ['[[tool=a:{"x":"]]","y":[[1]],"z":"\\"}]]"} delay=1]]', [[call('a', '{"x":"]]","y":[[1]],"z":"\\"}]]"}')]]],
  ['[[tool=a]] and [[step]] then [[tool=b step tool=c]]', [[call('a')], [call('b')], [call('c')]]],
  ['[[tool=a:{"broken]] [[tool=b:not JSON]]', [[call('a', '{"broken'), call('b', 'not JSON')]]],
  ['[[tool=a:{"x":1}]', [[]]],
  ['[[1,2],[3,4]] [[tool=', [[]]],
])('the script %s', (text, steps) => {
  expect(readDirectives(text).steps).toEqual(steps);
});

it('takes the last word, and the steps of the model before those of the message', () => {
  expect(readDirectives('m[[tokens=1 tool=a]]', '[[usage=none tokens=2 step tool=b]] [[hang]]')).toEqual({
    delay: 15,
    tokens: 2,
    usage: 'none',
    hang: 0,
    steps: [[call('a')], [call('b')]],
  });
});

it('leaves the rest of a text', () => {
  expect(withoutDirectives(' a [[tool=x:{"y":[[1]]}]]b [[1,2],[3]] [[delay=0]]')).toBe('a b [[1,2],[3]]');
});

it.each(['[['.repeat(500_000), '[[a '.repeat(500_000), '[[tool=a:{'.repeat(200_000)])(
  'is not held up by brackets that never close',
  (text) => {
    expect(readDirectives(text).steps).toEqual([[]]);
  },
);
