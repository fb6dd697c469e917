import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDebian, redisSources } from './redis-program.ts';
import { checkProgram, majorVersion } from './redis-version.ts';

const names = (machine: { isRoot: boolean; hasApt: boolean }) => redisSources(machine).map(({ name }) => name);
const present = ['redis-server on PATH', 'an earlier download', 'an earlier compilation'];
const compiling = 'compiling it (redis-memory-server)';

it('looks at what is there before it fetches anything, and compiles last', () => {
  expect(names({ isRoot: true, hasApt: true })).toEqual([...present, 'apt-get install', compiling]);
  expect(names({ isRoot: false, hasApt: true })).toEqual([...present, 'apt-get download', compiling]);
  expect(names({ isRoot: true, hasApt: false })).toEqual([...present, compiling]);
});

describe('a machine', () => {
  const release = join(mkdtempSync(join(tmpdir(), 'release-')), 'os-release');
  afterAll(() => rmSync(release));

  it.each([
    ['ID=debian\n', true],
    ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', true],
    ['ID="fedora"\nHOME_URL="https://not-debian.example"\n', false],
  ])('with the release %j is a Debian: %s', async (text, expected) => {
    writeFileSync(release, text);
    expect(await isDebian(release)).toBe(expected);
  });

  it('without a release file is none', async () => {
    expect(await isDebian(`${release}.absent`)).toBe(false);
  });
});

it('reads the version', () => {
  expect(majorVersion('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64')).toBe(7);
  expect(majorVersion('Valkey server v=8.1.0 sha=00000000:0')).toBe(8);
  expect(majorVersion('command not found')).toBeUndefined();
});

it('refuses a program that is no Redis, or is not there', async () => {
  await expect(checkProgram({ command: 'true' })).rejects.toThrow('version unknown is below 7');
  await expect(checkProgram({ command: 'no-such-redis-server' })).rejects.toThrow('ENOENT');
});
