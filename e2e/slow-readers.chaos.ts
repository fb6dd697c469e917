import { SlowStage } from './support/slow-stage';

const MB = 1024 * 1024;

it('four readers that sleep through 50 MB each cost the gateway less than half of what they are told', async () => {
  const stage = await SlowStage.start();
  try {
    const { told_bytes, grown_bytes } = await stage.sleepThrough(50 * MB);
    console.log(`The gateway has grown by ${Math.round(grown_bytes / MB)} MB.`);
    expect(told_bytes).toBeGreaterThan(50 * MB);
    expect(grown_bytes).toBeLessThan(2 * 50 * MB);
  } finally {
    await stage.stop();
  }
}, 300_000);
