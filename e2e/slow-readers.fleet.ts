import { SlowStage } from './support/slow-stage';

const MB = 1024 * 1024;

/** `npm run test:chaos` has them sleep through 50 MB. */
it('readers that do not read are dropped, told why, cost a bounded buffer, and resume whole', async () => {
  const stage = await SlowStage.start();
  try {
    const { told_bytes, grown_bytes } = await stage.sleepThrough(16 * MB);
    console.log(`The gateway has grown by ${Math.round(grown_bytes / MB)} MB.`);
    expect(told_bytes).toBeGreaterThan(16 * MB);
    // Four readers that were kept whole would take 64 MB more than it takes to serve them.
    expect(grown_bytes).toBeLessThan(96 * MB);
  } finally {
    await stage.stop();
  }
});
