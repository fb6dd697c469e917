import { failure, toolContext } from '../tool.testing';
import type { BuiltinServices } from './builtin-tool';
import { currentTime } from './current-time';

const tell = (args = {}) => currentTime.execute(args, toolContext(), undefined as unknown as BuiltinServices);

describe('the current time', () => {
  beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-07-01T22:30:05Z') }));
  afterEach(() => jest.useRealTimers());

  it.each([
    [undefined, '2026-07-01T22:30:05+00:00', 'Wednesday'],
    ['Europe/Berlin', '2026-07-02T00:30:05+02:00', 'Thursday'],
    ['America/St_Johns', '2026-07-01T20:00:05-02:30', 'Wednesday'],
    ['Asia/Kathmandu', '2026-07-02T04:15:05+05:45', 'Thursday'],
  ])('in %s is %s', async (time_zone, time, weekday) => {
    const told = await tell(time_zone ? { time_zone } : {});
    expect(told).toEqual({ time, weekday, time_zone: time_zone ?? 'UTC', unix_seconds: 1782945005 });
  });

  it.each(['Mars/Olympus', '', '../etc', 'UTC\n'])('refuses %j', async (time_zone) => {
    await expect(tell({ time_zone })).rejects.toEqual(failure('invalid_arguments'));
  });
});
