import { parseBaseUrl } from './app-url';

describe('APP_URL', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000'],
    ['https://example.com/app/', 'https://example.com/app'],
  ])('%s', (text, url) => {
    expect(parseBaseUrl(text)).toBe(url);
  });

  it.each([
    '',
    'app.example.com',
    'javascript:alert(1)',
    'https://u:p@example.com',
    'https://a.b/?q',
    'https://a.b/#f',
  ])('%j is refused', (text) => {
    expect(() => parseBaseUrl(text)).toThrow('is not an http');
  });
});
