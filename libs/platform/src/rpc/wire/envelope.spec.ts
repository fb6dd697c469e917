import { decodeControls, encodeControl, encodeControls, type Control } from './envelope';

describe('What callers tell a replica', () => {
  it('survives the wire', () => {
    const controls: Control[] = [{ id: '0.1s', credit: 64 }, { id: '12.345s' }];
    expect(decodeControls(encodeControls('gateway:1', controls.map(encodeControl)))).toEqual({
      caller: 'gateway:1',
      controls,
    });
  });

  it.each(['', 'caller', 'caller\n', 'caller\n+1', 'caller\n+1/x', 'caller\n+/1', 'caller\n*1/2', '\n\n'])(
    'is nothing in %j',
    (element) => {
      expect(decodeControls(element).controls).toEqual([]);
    },
  );
});
