import { textOf } from './support/chaos';
import { causes, expectWhole, isOf, type Cause, type Cut } from './support/cut';
import type { Source, Told } from './support/cut-reader';
import { ResumeStage, type Journey } from './support/resume-stage';

/** A thought, a call that waits for a person, and an answer. */
const ANSWERS = 'Go [[delay=20 reason=2 tokens=8 tool=calculator:{"expression":"6*7"}]]';

const hasEnded = isOf('run.completed');
const hasAnswer = isOf('message.created assistant');

/** Behind the nth event, or at the end: pieces of an answer that are late come as one. */
function cutAt(journey: Journey, source: Source, n: number): Cut {
  let count = 0;
  const isEnd = source === journey.run ? hasEnded : hasAnswer;
  return { journey, source, isLast: (event: Told) => ++count === n || isEnd(event) };
}

const cutsAt = (journey: Journey, n: number): Cut[] => [
  cutAt(journey, journey.run, n),
  cutAt(journey, journey.conversation, n),
];

describe('a stream that is cut behind every one of its events', () => {
  let stage: ResumeStage;
  let places: number[];
  let text: string;

  beforeAll(async () => {
    stage = await ResumeStage.start();
    const { seen } = await stage.attend(await stage.begin(ANSWERS));
    text = textOf(seen);
    // The stream of the conversation has two messages besides.
    places = Array.from({ length: seen.length + 2 }, (_, index) => index + 1);
    expect(places.length).toBeGreaterThan(15);
  });
  afterAll(() => stage?.stop());

  async function cutAll(cut: Cause, at: readonly number[]): Promise<void> {
    const journey = await stage.begin(ANSWERS);
    const cuts = at.flatMap((n) => cutsAt(journey, n));
    const [resumed, uncut] = await Promise.all([cut(stage, cuts), stage.attend(journey)]);
    const told = await expectWhole(stage, journey, resumed);
    expect(told).toEqual(uncut.seen);
    expect(textOf(told)).toBe(text);
  }

  it.each(['its client leaves', 'Redis drops every connection'] as const)('goes on when %s', (cause) =>
    cutAll(causes[cause], places),
  );

  it('goes on when its gateway is killed', async () => {
    for (const n of places) {
      console.log(`The gateway, behind event ${n} of ${places.length}`);
      await cutAll(causes['its gateway is killed'], [n]);
    }
  }, 900_000);

  it('tells the same text when the orchestrator is killed', async () => {
    const killed: Cause = async (on, cuts) => {
      const resumed = await causes['its client leaves'](on, cuts);
      for (const { journey } of cuts.slice(0, 1)) await on.loseOrchestrator(journey);
      return resumed;
    };
    for (const n of places) {
      console.log(`The orchestrator, behind event ${n} of ${places.length}`);
      await cutAll(killed, [n]);
    }
  }, 900_000);
});
