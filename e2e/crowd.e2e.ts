import { Crowd } from './support/crowd/crowd';
import { sharedFleet } from './support/shared-fleet';

/** `npm run test:chaos` goes through more seeds. */
const SEED = 20_261_129;
const shape = { users: 4, sockets: 10, conversations: 3, actions: 20 };

describe('200 sockets of 20 tenants at two gateways', () => {
  let crowd: Crowd;

  beforeAll(async () => {
    crowd = await Crowd.create(sharedFleet(), 20, shape);
  });
  afterAll(() => crowd?.close());

  it(`that come, go, send, share and are taken out have what the database has, and nothing else (seed ${SEED})`, async () => {
    expect(crowd.devices).toHaveLength(200);
    await crowd.run(SEED);
    await crowd.check();
  });
});
