import { distinct, trespasses, type Told } from './verdict';

const told = (at: number, type = 'message.created', conversation = 'c'): Told => ({ at, type, conversation });
const windows = (conversation: string) => (conversation === 'c' ? [{ from: 10, to: 20 }] : []);
const judge = (...log: Told[]) => trespasses(log, windows, 5);

describe('the verdict on what a device was told', () => {
  it('allows what may be seen, and what comes a little late', () => {
    expect(judge(told(10), told(15), told(25, 'conversation.left'))).toEqual([]);
  });

  it.each([
    ['too early', [told(9)]],
    ['too late', [told(26)]],
    ['of a conversation that is never shared', [told(15, 'typing', 'd')]],
    ['behind the word that nothing comes', [told(15, 'conversation.left'), told(16)]],
  ])('finds what comes %s', (_, log) => {
    expect(judge(...log)).toHaveLength(1);
  });

  it('lets the last word be said again', () => {
    expect(judge(told(15, 'conversation.left'), told(40, 'conversation.left'))).toEqual([]);
  });

  it('begins anew where it is asked for again', () => {
    expect(judge(told(15, 'conversation.left'), told(16, 'asked'), told(17))).toEqual([]);
  });
});

it('of what comes twice the first is kept', () => {
  const items = [
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
    { id: 'a', n: 3 },
  ];
  expect(distinct(items, ({ id }) => id).map(({ n }) => n)).toEqual([1, 2]);
});
