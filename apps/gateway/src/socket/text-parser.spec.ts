import { textParser } from './text-parser';

const decoded = (...packets: unknown[]) => {
  const decoder = new textParser.Decoder();
  const found: unknown[] = [];
  decoder.on('decoded', ({ data }) => found.push(data));
  for (const packet of packets) decoder.add(packet);
  return found;
};

describe('the parser of sockets', () => {
  it('reads events', () => {
    expect(decoded('2/chat,1["typing",{"is_typing":true}]')).toEqual([['typing', { is_typing: true }]]);
  });

  it.each([
    ['bytes', Buffer.from('2')],
    ['a binary event', '51-["typing",{"_placeholder":true,"num":0}]'],
    ['a binary acknowledgement', '61-1[]'],
    ['an acknowledgement, which nobody has asked for', '3/chat,1[{"ok":true}]'],
    ['a binary event without attachments', '50-["typing"]'],
    ['many values', `2["typing",[${'1,'.repeat(10_000)}1]]`],
    ['deep nesting', `2["typing",${'['.repeat(40)}${']'.repeat(40)}]`],
    ['no JSON', '2["typing"'],
    ['an unknown type', '9[]'],
  ])('refuses %s', (_, packet) => {
    expect(() => decoded(packet)).toThrow();
  });

  it('takes a few handshakes', () => {
    const handshakes = Array.from({ length: 5 }, () => '0/chat,{"token":"x"}');
    expect(decoded(...handshakes)).toHaveLength(5);
    expect(() => decoded(...handshakes, '0/chat,{"token":"x"}')).toThrow();
  });
});
