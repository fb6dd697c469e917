import { filenameOf } from './link-filename';

it.each([
  ['https://example.com/a/b.pdf?x=1#y', undefined, 'b.pdf'],
  ['https://example.com/', undefined, 'attachment'],
  ['https://example.com/%E4%BD%A0.png', undefined, '你.png'],
  ['https://example.com/%ff.png', undefined, 'attachment'],
  ['https://example.com/x', 'attachment; filename="r 1.pdf"', 'r 1.pdf'],
  ['https://example.com/x', 'attachment; filename=r.pdf; size=3', 'r.pdf'],
  ['https://example.com/x', `attachment; filename="r.pdf"; filename*=UTF-8''%c3%bc.pdf`, 'ü.pdf'],
  ['https://example.com/x', 'attachment; filename="../../etc/passwd"', 'passwd'],
  ['https://example.com/x', `attachment; filename*=UTF-8''a%0d%0ab`, 'ab'],
  ['https://example.com/x', 'inline', 'x'],
  [`https://example.com/${'y'.repeat(300)}`, undefined, 'y'.repeat(255)],
])('a file at %s with %s is called %s', (url, disposition, name) => {
  expect(filenameOf(url, disposition)).toBe(name);
});
