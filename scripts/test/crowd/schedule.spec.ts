import { Random } from './random';
import { Rights } from './rights';
import { Schedule, type Action } from './schedule';

const shape = { users: 4, sockets: 10, conversations: 3, actions: 300 };
const actionsOf = (seed: number): Action[] => [...new Schedule(seed, shape).actions()];

describe('the schedule of a crowd', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(actionsOf(7)).toEqual(actionsOf(7));
    expect(actionsOf(7)).not.toEqual(actionsOf(8));
  });

  it('has everything in it that a crowd does, with each outcome', () => {
    const actions = actionsOf(1);
    expect(actions).toHaveLength(308);
    expect(new Set(actions.map(({ type }) => type)).size).toBe(10);
    const outcomes = (type: string) =>
      new Set(actions.flatMap((action) => ('outcome' in action && action.type === type ? [action.outcome] : [])));
    expect(outcomes('join')).toEqual(new Set(['ok', 'not_found']));
    expect(outcomes('send')).toEqual(new Set(['ok', 'not_found', 'forbidden']));
    expect(outcomes('cancel')).toEqual(new Set(['not_found', 'forbidden']));
  });

  it('lets nobody into what is not theirs', () => {
    const roles = new Set(['0 0', '1 1', '2 2']);
    for (const action of actionsOf(3)) {
      if (action.type === 'share') roles.add(`${action.conversation} ${action.user}`);
      if (action.type === 'unshare') roles.delete(`${action.conversation} ${action.user}`);
      if (action.type !== 'join') continue;
      const isShared = roles.has(`${action.conversation} ${action.socket % 4}`);
      expect(action.outcome).toBe(isShared ? 'ok' : 'not_found');
    }
  });
});

describe('rights', () => {
  it("are the owner's, and what is shared until it is taken back", () => {
    const rights = new Rights([0, 1]);
    expect([rights.outcome(0, 0, 'writer'), rights.outcome(1, 0, 'reader')]).toEqual(['ok', 'not_found']);
    rights.share(0, 1, 'reader');
    expect([rights.outcome(1, 0, 'reader'), rights.outcome(1, 0, 'writer')]).toEqual(['ok', 'forbidden']);
    expect(rights.guests(0)).toEqual([1]);
    rights.unshare(0, 1);
    expect([rights.outcome(1, 0, 'reader'), rights.outcome(0, 2, 'reader')]).toEqual(['not_found', 'not_found']);
  });
});

describe('random numbers', () => {
  it('are spread evenly, and by weight', () => {
    const random = new Random(5);
    const counts = [0, 0, 0, 0];
    let heavy = 0;
    for (let n = 0; n < 8000; n += 1) {
      const at = random.below(4);
      counts[at] = (counts[at] ?? 0) + 1;
      if (random.weighted({ light: 1, heavy: 3 }) === 'heavy') heavy += 1;
    }
    for (const count of [...counts, heavy / 3]) expect(Math.abs(count - 2000)).toBeLessThan(200);
    expect(() => random.pick([])).toThrow('nothing');
  });
});
