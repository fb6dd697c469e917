import { readWebhookConfig } from './config';

const { env } = process;

afterEach(() => {
  process.env = env;
  jest.restoreAllMocks();
});

it('sends no mail and calls no private address, unless told to', () => {
  process.env = { ENCRYPTION_KEYS: 'new, old' };
  expect(readWebhookConfig()).toEqual({
    encryptionKeys: ['new', 'old'],
    outboundAllow: [],
    mail: {
      smtp: false,
      from: { name: 'Task Assistant', address: 'no-reply@localhost' },
      appUrl: 'http://127.0.0.1:3000',
    },
  });
});

it.each([
  [{ PORT: '4000' }, 'http://127.0.0.1:4000'],
  [{ PORT: '4000', APP_URL: 'https://app.example.com/' }, 'https://app.example.com'],
])('%j: links of mails lead to %s', (variables, appUrl) => {
  process.env = { ENCRYPTION_KEYS: 'k', ...variables };
  expect(readWebhookConfig().mail.appUrl).toBe(appUrl);
});

it.each([
  [{}, 'ENCRYPTION_KEYS is missing'],
  [{ ENCRYPTION_KEYS: 'k', SMTP_URL: 'http://mail' }, 'SMTP_URL is not smtp:'],
  [{ ENCRYPTION_KEYS: 'k', MAIL_FROM: 'Acme' }, 'MAIL_FROM is not "Name <address>"'],
  [{ ENCRYPTION_KEYS: 'k', APP_URL: 'ftp://a.b' }, 'APP_URL is not an http'],
])('%j ends the process with a sentence', (variables, sentence) => {
  process.env = variables;
  jest.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('The process ends.');
  });
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(readWebhookConfig).toThrow('The process ends.');
  expect(write).toHaveBeenCalledWith(expect.stringContaining(sentence));
});
