import { ChaosStage, expectSurvival } from './support/chaos';

/** `npm run test:chaos` goes through every boundary. */
describe('a run whose orchestrator is killed', () => {
  let stage: ChaosStage;
  beforeAll(async () => {
    stage = await ChaosStage.start();
  });
  afterAll(() => stage?.stop());

  it.each([
    ['before the model call', 'before call 1'],
    ['between tool calls', 'after settle 2'],
    ['while it waits for approval', 'waiting'],
    ['before completion', 'before finish 1'],
  ])('%s is completed by another one, each tool called once', async (_, boundary) => {
    const survival = await stage.survive(boundary);
    expectSurvival(survival);
    expect(survival.requests).toEqual({ look: 1, note: 1, charge: 1 });
  });
});
