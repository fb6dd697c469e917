import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChaosStage, expectSurvival } from './support/chaos';

it('a run survives the death of its orchestrator at every boundary', async () => {
  const stage = await ChaosStage.start();
  const folder = await mkdtemp(join(tmpdir(), 'task-assistant-chaos-'));
  try {
    const file = join(folder, 'boundaries');
    expectSurvival(await stage.survive('never', file));
    const boundaries = (await readFile(file, 'utf8')).trim().split('\n');
    expect(boundaries.length).toBeGreaterThan(20);
    for (const [index, boundary] of boundaries.entries()) {
      console.log(`${index + 1} of ${boundaries.length}: ${boundary}`);
      const survival = await stage.survive(boundary);
      try {
        expectSurvival(survival);
      } catch (error) {
        throw new Error(`Killed ${boundary}: ${JSON.stringify(survival)}`, { cause: error });
      }
    }
  } finally {
    await stage.stop();
    await rm(folder, { recursive: true });
  }
}, 1_800_000);
