import { conversationEvents, runEvents } from '@taai/contracts';
import { textOf } from './support/chaos';
import { causes, expectWhole, isOf, type Cut, type Resumed } from './support/cut';
import { ResumeStage, type Journey } from './support/resume-stage';

/** A thought, a call that waits for a person, and an answer that takes a while. */
const ANSWERS = 'Go [[delay=20 reason=3 tokens=120 tool=calculator:{"expression":"6*7"}]]';
const GOES_ON = 'Go [[delay=20 tokens=3000]]';
const FAILS = 'Go [[delay=5 tokens=30 cut=9]]';
const IS_SHORT = 'Go [[delay=5 tokens=1]]';

/** What happens in a run before its answer is whole. */
const WORKING = [
  ...['run.started', 'reasoning', 'usage', 'tool.call', 'approval.required', 'tool.result', 'token'],
] as const;

/** In both streams. */
const cutsOf = (journey: Journey, kinds: readonly string[], ofConversation: readonly string[] = []): Cut[] => [
  ...kinds.map((kind) => ({ journey, source: journey.run, isLast: isOf(kind) })),
  ...[...kinds, ...ofConversation].map((kind) => ({ journey, source: journey.conversation, isLast: isOf(kind) })),
];

describe('a stream that is cut', () => {
  let stage: ResumeStage;
  beforeAll(async () => {
    stage = await ResumeStage.start();
  });
  afterAll(() => stage?.stop());

  it('may be cut behind each type of event that there is', () => {
    const kinds = [...WORKING, 'run.completed', 'run.failed', 'run.cancelled', 'step.retried'];
    expect(kinds.sort()).toEqual(Object.keys(runEvents.types).sort());
    // A title is told as it stands, and is no part of what is resumed.
    expect(Object.keys(conversationEvents.types)).toEqual(['message.created', 'run.event', 'conversation.updated']);
  });

  it.each(Object.entries(causes))(
    'when %s goes on at another gateway, with neither gap nor duplicate',
    async (_, cut) => {
      const answers = await stage.begin(ANSWERS);
      const short = await stage.begin(IS_SHORT);
      const fails = await stage.begin(FAILS);
      const goesOn = await stage.begin(GOES_ON);
      const cancelling = async () => {
        const reader = await stage.readSecond(goesOn.run);
        await reader.readTo(isOf('token'));
        await stage.cancel(goesOn);
        reader.leave();
      };
      const cuts = [
        ...cutsOf(answers, WORKING, ['message.created user']),
        ...cutsOf(short, ['run.completed'], ['message.created assistant']),
        ...cutsOf(fails, ['run.failed']),
        ...cutsOf(goesOn, ['run.cancelled']),
      ];
      const [resumed, uncut] = await Promise.all([cut(stage, cuts), stage.attend(answers), cancelling()]);
      expect(await expectWhole(stage, answers, resumed)).toEqual(uncut.seen);
      for (const journey of [short, fails, goesOn]) await expectWhole(stage, journey, resumed);
    },
  );

  it('and whose orchestrator is killed, too, tells the same text once `step.retried` is applied', async () => {
    const undisturbed = await stage.attend(await stage.begin(ANSWERS));
    const journey = await stage.begin(ANSWERS);
    const attended = stage.attend(journey);
    const answering = await stage.readSecond(journey.run);
    const cutting = causes['its client leaves'](stage, cutsOf(journey, WORKING));
    await answering.readTo(isOf('token'));
    answering.leave();
    const [early] = await Promise.all([cutting, stage.loseOrchestrator(journey)]);
    // Each way to be cut where the step begins again, one after the other: each would cut the others' readers, too.
    const late: Resumed[] = [];
    for (const cut of Object.values(causes)) late.push(...(await cut(stage, cutsOf(journey, ['step.retried']))));

    const told = await expectWhole(stage, journey, [...early, ...late]);
    expect(told).toEqual((await attended).seen);
    expect(told.filter(({ type }) => type === 'step.retried')).toHaveLength(1);
    expect(textOf(told)).toBe(textOf(undisturbed.seen));
    expect(told.at(-1)).toMatchObject({ type: 'run.completed', data: { output: textOf(told) } });
  });
});
