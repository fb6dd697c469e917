import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOpenToOthers } from './postgres-place.ts';

it('knows whether other users may reach a folder', async () => {
  const home = mkdtempSync(join(tmpdir(), 'home-'));
  const inside = join(home, 'checkout');
  mkdirSync(inside);
  chmodSync(inside, 0o755);
  expect(await isOpenToOthers(inside)).toBe(false);
  chmodSync(home, 0o711);
  expect(await isOpenToOthers(inside)).toBe(true);
  chmodSync(inside, 0o750);
  expect(await isOpenToOthers(inside)).toBe(false);
  rmSync(home, { recursive: true });
});
