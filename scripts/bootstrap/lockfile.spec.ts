import { isInstalled } from './lockfile.cjs';

const lockfile = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages });
const root = { name: 'x', version: '1.0.0' };
const pg = { version: '8.0.0', integrity: 'sha512-a' };

describe('isInstalled', () => {
  it.each([
    ['the same packages', { 'node_modules/pg': pg }, { 'node_modules/pg': pg }, true],
    ['a package besides', { 'node_modules/pg': pg }, { 'node_modules/pg': pg, 'node_modules/more': pg }, true],
    ['an optional package of another platform missing', { 'node_modules/pg': { ...pg, optional: true } }, {}, true],
    ['a package missing', { 'node_modules/pg': pg }, {}, false],
    ['another version', { 'node_modules/pg': pg }, { 'node_modules/pg': { ...pg, version: '8.0.1' } }, false],
    ['other content', { 'node_modules/pg': pg }, { 'node_modules/pg': { ...pg, integrity: 'sha512-b' } }, false],
    [
      'another version of an optional package',
      { 'node_modules/pg': { ...pg, optional: true } },
      { 'node_modules/pg': { ...pg, version: '7.0.0' } },
      false,
    ],
  ])('with %s', (_, wanted, present, expected) => {
    expect(isInstalled(lockfile({ '': root, ...wanted }), lockfile(present))).toBe(expected);
  });
});
