import type { ProblemError } from '@taai/contracts';
import { FairShare, type Waiter } from './fair-share';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Places, and what became of those who wanted one: `a` began, `-a` was refused. */
function house(places: number, queue = 100) {
  const share = new FairShare({ places, queue });
  const events: string[] = [];
  const problems: ProblemError[] = [];
  const waiter = (tenant: string, deadline_ms = Infinity): Waiter => ({
    tenant,
    deadline: performance.now() + deadline_ms,
    begin: () => void events.push(tenant),
    refuse: (problem) => {
      events.push(`-${tenant}`);
      problems.push(problem);
    },
  });
  const enter = (tenant: string, times = 1, deadline_ms?: number) => {
    for (let n = 0; n < times; n++) share.enter(waiter(tenant, deadline_ms));
  };
  /** What happens when one place of the tenant becomes free after so many milliseconds. */
  const leave = (tenant: string, ms = 0) => {
    jest.advanceTimersByTime(ms);
    share.leave(tenant);
    return events.splice(0).join(' ');
  };
  return { share, events, problems, waiter, enter, leave };
}

describe('Places', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [5, 3],
    [16, 10],
    [64, 42],
  ])('of %d, one tenant alone has %d', (places, held) => {
    const { events, enter } = house(places);
    enter('a', places);
    expect(events).toHaveLength(held);
  });

  it('are there for a newcomer whose neighbours do not move', () => {
    const { events, enter } = house(16);
    enter('a', 16);
    enter('b', 16);
    events.splice(0);
    enter('c');
    expect(events).toEqual(['c']);
  });

  it('are all given when enough tenants want one', () => {
    const { share, events, enter } = house(16);
    for (let n = 0; n < 20; n++) enter(`t${n}`);
    expect(events).toHaveLength(16);
    expect(share.unused).toBe(0);
    expect(share.waiting).toBe(4);
  });

  it('are given back and given again', () => {
    const { share, enter, events } = house(2);
    for (let n = 0; n < 10_000; n++) {
      enter(`t${n}`);
      share.leave(`t${n}`);
    }
    expect(events).toHaveLength(10_000);
    expect(share.unused).toBe(2);
  });

  it('can be asked for without waiting, and waited for', async () => {
    const { share } = house(1);
    expect([share.tryEnter('a'), share.tryEnter('b')]).toEqual([true, false]);
    const place = share.place('b');
    share.leave('a');
    await place;
    expect(share.unused).toBe(0);
  });
});

describe('Turns', () => {
  it('alternate between tenants, however much one has queued', () => {
    const { enter, leave } = house(1, 3000);
    enter('a', 1001);
    enter('b', 3);
    leave('a');
    expect(['a', 'b', 'a', 'b', 'a', 'b', 'a'].map((tenant) => leave(tenant))).toEqual('b a b a b a a'.split(' '));
  });

  it('keep the order of one tenant', () => {
    const { share } = house(1);
    const order: number[] = [];
    const refuse = () => undefined;
    for (let n = 0; n < 4; n++)
      share.enter({ tenant: 'a', deadline: Infinity, begin: () => void order.push(n), refuse });
    for (let n = 0; n < 3; n++) share.leave('a');
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('pass over a tenant that has its share, which goes on as soon as it has less', () => {
    const { enter, leave, events } = house(5);
    enter('a', 4);
    enter('b', 2);
    expect(events.splice(0).join(' ')).toBe('a a a b');
    enter('c');
    expect(events.splice(0)).toEqual(['c']);
    expect(leave('c')).toBe('');
    expect(leave('b')).toBe('b');
    expect(leave('a')).toBe('');
    expect(leave('a')).toBe('a');
  });
});

describe('The queue', () => {
  it('has room for a newcomer however much one tenant wants', () => {
    const { share, enter, events } = house(1, 30);
    enter('a', 1000);
    expect(share.waiting).toBe(20);
    events.splice(0);
    enter('b');
    expect(events).toEqual([]);
    expect(share.waiting).toBe(21);
  });

  it('refuses with `overloaded` and seconds to wait', () => {
    const { enter, problems } = house(1, 1);
    enter('a', 3);
    expect(problems.map((problem) => problem.toJSON())).toEqual([
      expect.objectContaining({ code: 'overloaded', retry_after: 1 }),
    ]);
  });

  it('is left by who withdraws, and by nobody twice', () => {
    const { share, waiter, enter, leave } = house(1);
    const [gone, stays] = [waiter('a'), waiter('a')];
    enter('b');
    share.enter(gone);
    share.enter(stays);
    expect([share.withdraw(gone), share.withdraw(gone)]).toEqual([true, false]);
    expect([leave('b'), leave('a')]).toEqual(['b a', '']);
    expect(share.withdraw(stays)).toBe(false);
    expect([share.waiting, share.unused]).toEqual([0, 1]);
  });

  it('has no trace of those who came and withdrew', () => {
    const { share, waiter, enter } = house(1, 2);
    enter('b');
    for (let n = 0; n < 1000; n++) {
      const one = waiter('a');
      share.enter(one);
      share.withdraw(one);
    }
    expect(share.waiting).toBe(0);
  });

  it('refuses whose deadline comes, and begins nothing behind it', () => {
    const { share, enter, events } = house(1);
    enter('b');
    enter('a', 1, 1000);
    enter('c', 1, 5000);
    jest.advanceTimersByTime(1000);
    expect(events.splice(0)).toEqual(['b', '-a']);
    expect(share.waiting).toBe(1);
  });
});

describe('A refusal', () => {
  /** Places of 10 ms each: 100 starts a second. */
  const busy = () => {
    const all = house(1, 3000);
    all.enter('a', 300);
    for (let n = 0; n < 100; n++) all.leave('a', 10);
    all.events.splice(0);
    return all;
  };

  it('comes at once when the place would come too late', () => {
    const { enter, events, problems } = busy();
    enter('a', 1, 1990);
    expect(events).toEqual(['-a']);
    expect(problems[0]?.extras.retry_after).toBe(2);
  });

  it('does not come when it comes in time', () => {
    const { enter, events } = busy();
    enter('a', 1, 2100);
    expect(events).toEqual([]);
  });

  it('reckons by turns: another tenant has its place soon', () => {
    const { enter, events, leave } = busy();
    enter('b', 1, 100);
    expect(events).toEqual([]);
    expect([leave('a', 10), leave('a', 10)]).toContain('b');
  });

  it('comes when nothing has started for longer than there is time', () => {
    const { enter, events } = house(1);
    enter('a', 2);
    jest.advanceTimersByTime(6000);
    events.splice(0);
    enter('a', 1, 5000);
    enter('a', 1, 7000);
    expect(events).toEqual(['-a']);
  });

  it('comes to those who wait as soon as it is known that they wait in vain, and not at their deadline', () => {
    const { share, enter, leave } = house(1, 3000);
    enter('a', 300, 2000);
    const told: string[] = [];
    for (let n = 0; n < 30; n++) told.push(...leave('a', 10).split(' '));
    expect(told.filter((event) => event === '-a').length).toBeGreaterThan(80);
    // 1.7 s are left to them, at 100 starts a second.
    expect(share.waiting).toBeGreaterThan(150);
    expect(share.waiting).toBeLessThanOrEqual(180);
  });

  it('does not come to those who wait only because nothing has started for a moment', () => {
    const { share, enter, leave, events } = house(1, 100);
    enter('a', 40, 3000);
    for (let n = 0; n < 20; n++) leave('a', 10);
    events.splice(0);
    jest.advanceTimersByTime(2000);
    expect(events).toEqual([]);
    expect(share.waiting).toBe(19);
  });

  it('forgets how slow it was once nobody waits', () => {
    const { enter, leave, events } = house(1, 1000);
    enter('a', 21);
    for (let n = 0; n < 21; n++) leave('a', 1000);
    enter('a', 100, 5000);
    expect(events).toEqual(['a']);
  });
});
