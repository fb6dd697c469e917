import { parseSender, parseSmtpUrl } from './mail-settings';

describe('SMTP_URL', () => {
  it.each([
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, secure: false, requireTLS: false }],
    ['smtps://[::1]:2465/', { host: '::1', port: 2465, secure: true, requireTLS: false }],
    [
      'smtp://ada%40example.com:p%3Aw@mail:25',
      { host: 'mail', port: 25, secure: false, requireTLS: true, auth: { user: 'ada@example.com', pass: 'p:w' } },
    ],
    ['smtps://u:p@mail', { host: 'mail', port: 465, secure: true, requireTLS: false, auth: { user: 'u', pass: 'p' } }],
    ['', false],
  ])('%s', (text, server) => {
    expect(parseSmtpUrl(text)).toEqual(server);
  });

  it.each([
    'mail.example.com:25',
    'http://u:hidden@mail',
    'smtp://u:hidden@',
    'smtp://u:hidden@mail:99999',
    'smtp://u:hidden@mail/path',
    'smtp://u:hidden@mail?logger=true',
    'smtp://u:hidden@mail?tls.rejectUnauthorized=false',
    'smtp://u:hidden%zz@mail',
  ])('%s is refused in words that do not repeat it', (text) => {
    const refusal = expect(() => parseSmtpUrl(text));
    refusal.toThrow(/^(is not smtp:|has a user or)/);
    refusal.not.toThrow(/hidden/);
  });
});

describe('MAIL_FROM', () => {
  it.each([
    ['Task Assistant <no-reply@localhost>', { name: 'Task Assistant', address: 'no-reply@localhost' }],
    ['Acme, Inc. <a@acme.example>', { name: 'Acme, Inc.', address: 'a@acme.example' }],
    ['a@acme.example', { name: '', address: 'a@acme.example' }],
  ])('%s', (text, sender) => {
    expect(parseSender(text)).toEqual(sender);
  });

  it.each(['', 'Acme', 'Acme <acme>', 'a@b.c, d@e.f', 'A <a@b.c>, B <d@e.f>', 'A\r\nBcc: x <a@b.c>'])(
    '%j is refused',
    (text) => {
      expect(() => parseSender(text)).toThrow('is not "Name <address>"');
    },
  );
});
