import { ToolFailure } from '../loaded-tool';
import type { BuiltinTool } from './builtin-tool';

export const currentTime: BuiltinTool = {
  description: 'Tells the date and time, and the day of the week.',
  input_schema: {
    type: 'object',
    properties: {
      time_zone: { type: 'string', maxLength: 64, description: 'An IANA name such as Europe/Berlin; UTC if absent.' },
    },
    additionalProperties: false,
  },
  is_repeatable: true,
  execute: async ({ time_zone = 'UTC' }) => tell(new Date(), String(time_zone)),
};

function tell(now: Date, timeZone: string) {
  const parts = Object.fromEntries(
    formatter(timeZone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute, second, weekday, timeZoneName = '' } = parts;
  const offset = timeZoneName.replace('GMT', '') || '+00:00';
  return {
    time: `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`,
    time_zone: timeZone,
    weekday,
    unix_seconds: Math.floor(now.getTime() / 1000),
  };
}

function formatter(timeZone: string): Intl.DateTimeFormat {
  const [digits, clock] = ['2-digit', { hourCycle: 'h23', timeZoneName: 'longOffset' }] as const;
  const date = { year: 'numeric', month: digits, day: digits, weekday: 'long' } as const;
  const time = { hour: digits, minute: digits, second: digits, ...clock } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { ...date, ...time, timeZone });
  } catch {
    throw new ToolFailure('invalid_arguments', `There is no time zone ${JSON.stringify(timeZone)}.`);
  }
}
