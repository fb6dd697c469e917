import { v7 } from 'uuid';
import { idBehind, timeOf } from './message-id';

describe('an id behind another one', () => {
  it('is of now', () => {
    const before = Date.now();
    for (const last of [undefined, null, v7({ msecs: 1000 })])
      expect(timeOf(idBehind(last))).toBeGreaterThanOrEqual(before);
  });

  it('comes after it, though it was minted by a clock that is ahead', () => {
    let last = v7({ msecs: Date.now() + 3_600_000 });
    for (let n = 0; n < 100; n += 1) {
      const next = idBehind(last);
      expect(next > last).toBe(true);
      expect(next).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      last = next;
    }
    expect(timeOf(last) - Date.now()).toBeLessThan(3_600_200);
  });
});
