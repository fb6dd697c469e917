import { startTestFleet } from '../scripts/test/test-fleet';
import { Crowd } from './support/crowd/crowd';

const seeds = [1, 2, 3, 4, 5];
const shape = { users: 4, sockets: 10, conversations: 3, actions: 60 };

it('crowds at two gateways, with two replicas of all behind them, have what the database has, and nothing else', async () => {
  const own = await startTestFleet('own', { replicas: { gateway: 2, chat: 2, orchestrator: 2 } });
  try {
    const [first = '', second = ''] = own.fleet.gatewayUrls;
    for (const seed of seeds) {
      console.log(`seed ${seed}`);
      const crowd = await Crowd.create({ ...own, gateways: [first, second] }, 20, shape);
      try {
        await crowd.run(seed);
        await crowd.check();
      } catch (error) {
        throw new Error(`Seed ${seed}`, { cause: error });
      } finally {
        crowd.close();
      }
    }
  } finally {
    await own.stop();
  }
}, 1_800_000);
