import { messagesOf, nameOf, runEventsOf } from './chat-client';
import type { CutReader, Source, Told } from './cut-reader';
import type { Journey, ResumeStage } from './resume-stage';

/** By what events are told apart here: their type, in a conversation that of the run's event, or who wrote the message. */
export const kindOf = ({ type, data }: Told): string => {
  if (type === 'run.event') return data.type;
  return type === 'message.created' ? `${type} ${data.role}` : type;
};

export const isOf = (kind: string) => (event: Told) => kindOf(event) === kind;

/** Where a stream is to be cut: behind this event. */
export interface Cut {
  journey: Journey;
  source: Source;
  isLast: (event: Told) => boolean;
}

/** A stream that was cut, and is read on by another reader. */
export interface Resumed extends Cut {
  before: CutReader;
  after: CutReader;
}

/** Reads streams at the first gateway, cuts each of them behind its event, and opens what goes on at the second one. */
export type Cause = (stage: ResumeStage, cuts: readonly Cut[]) => Promise<Resumed[]>;

/** Cuts each stream as soon as it has come so far. */
const eachCut =
  (happen: (stage: ResumeStage) => Promise<unknown>): Cause =>
  (stage, cuts) =>
    Promise.all(
      cuts.map(async (cut) => {
        const before = await stage.readFirst(cut.source);
        await before.readTo(cut.isLast);
        await happen(stage);
        before.leave();
        return { ...cut, before, after: await before.resume(stage.second) };
      }),
    );

/** Cuts them all at once, when each has come so far. */
const killed: Cause = async (stage, cuts) => {
  const reading = await Promise.all(
    cuts.map(async (cut) => {
      const before = await stage.readFirst(cut.source);
      await before.readTo(cut.isLast);
      return { ...cut, before };
    }),
  );
  return stage.loseGateway(() =>
    Promise.all(reading.map(async (cut) => ({ ...cut, after: await cut.before.resume(stage.second) }))),
  );
};

export const causes: Record<'its client leaves' | 'Redis drops every connection' | 'its gateway is killed', Cause> = {
  'its client leaves': eachCut(() => Promise.resolve()),
  'Redis drops every connection': eachCut((stage) => stage.dropRedis()),
  'its gateway is killed': killed,
};

/**
 * Reads what was cut of the journey to its end, and throws unless each was told, before and after the cut, what an uncut reader is told.
 * Resolves to the events of the run.
 */
export async function expectWhole(stage: ResumeStage, journey: Journey, resumed: readonly Resumed[]): Promise<Told[]> {
  const run = await stage.readSecond(journey.run);
  await run.readToEnd();
  // One more thing is said, because the stream of a conversation has no end: so what comes behind the run is compared, too.
  const last = await stage.say(journey.conversation_id, 'And? [[tokens=1 delay=0]]');
  const isLast = (event: Told) => kindOf(event) === 'message.created assistant' && event.data.run_id === last;
  const conversation = await stage.readSecond(journey.conversation);
  await conversation.readTo(isLast);
  for (const { source, before, after } of resumed.filter((cut) => cut.journey === journey)) {
    if (source === journey.run) {
      await after.readToEnd();
      expect([...before.seen, ...after.seen]).toEqual(run.seen);
    } else {
      await after.readTo(isLast);
      expectSame(withoutKnown(before.seen, after.seen), conversation.seen);
    }
    after.leave();
  }
  conversation.leave();
  expect(run.seen.map(({ id }) => id)).toEqual(run.seen.map((_, index) => index + 1));
  return run.seen;
}

/** A run that had not ended is told from its start: clients drop what they have. */
function withoutKnown(before: readonly Told[], after: readonly Told[]): Told[] {
  const known = new Set(before.map(nameOf));
  return [...before, ...after.filter((event) => !known.has(nameOf(event)))];
}

/** Messages come in their order, and so do the events of each run. */
function expectSame(events: readonly Told[], uncut: readonly Told[]): void {
  expect(events).toHaveLength(uncut.length);
  expect(messagesOf(events)).toEqual(messagesOf(uncut));
  const runs = new Set(uncut.flatMap(({ type, data }) => (type === 'run.event' ? [data.run_id as string] : [])));
  for (const id of runs) expect(runEventsOf(events, id)).toEqual(runEventsOf(uncut, id));
}
