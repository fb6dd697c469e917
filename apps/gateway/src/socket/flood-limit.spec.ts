import { FloodLimit } from './flood-limit';

describe('the flood limit of a socket', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const admitted = (flood: FloodLimit, events: number) =>
    Array.from({ length: events }, () => flood.take()).filter(Boolean).length;

  it('admits a burst, and 20 events a second behind it', () => {
    const flood = new FloodLimit();
    expect(admitted(flood, 100)).toBe(40);
    jest.advanceTimersByTime(1000);
    expect(admitted(flood, 100)).toBe(20);
    jest.advanceTimersByTime(60_000);
    expect(admitted(flood, 100)).toBe(40);
  });

  it('gives up on a client that goes on through a hundred refusals, and not on one that waits', () => {
    const flood = new FloodLimit();
    admitted(flood, 140);
    expect(flood.isHopeless).toBe(false);
    jest.advanceTimersByTime(100);
    admitted(flood, 50);
    expect(flood.isHopeless).toBe(false);
    admitted(flood, 100);
    expect(flood.isHopeless).toBe(true);
  });
});
