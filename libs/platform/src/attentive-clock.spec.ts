import { AttentiveClock } from './attentive-clock';

const TURN_MS = 100;

let time: number;
let isListening: boolean;
let clock: AttentiveClock;

beforeEach(() => {
  time = 1000;
  isListening = true;
  jest.spyOn(performance, 'now').mockImplementation(() => time);
  clock = new AttentiveClock({ turn_ms: TURN_MS, isListening: () => isListening });
});
afterEach(() => jest.restoreAllMocks());

const turn = (ms: number) => {
  time += ms;
  clock.tick();
};

describe('A silence', () => {
  it('lasts as long as this process listens to it', () => {
    const heardAt = clock.now;
    for (let turns = 0; turns < 10; turns++) turn(50);
    expect(clock.silence(heardAt)).toBe(500);
    expect(clock.silence(clock.now)).toBe(0);
  });

  it('is not held against others while this process stands still', () => {
    const heardAt = clock.now;
    turn(60_000);
    expect(clock.silence(heardAt)).toBe(TURN_MS);
  });

  it('begins anew when this process can listen again', () => {
    const heardAt = clock.now;
    turn(50);
    isListening = false;
    turn(50);
    turn(50);
    isListening = true;
    turn(50);
    expect(clock.silence(heardAt)).toBe(50);
  });
});
