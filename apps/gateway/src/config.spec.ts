import { readGatewayConfig } from './config';

describe('readGatewayConfig', () => {
  const { env } = process;

  afterEach(() => {
    process.env = env;
    jest.restoreAllMocks();
  });

  it('reads lists, and trusts nobody by default', () => {
    process.env = { CORS_ORIGINS: 'https://app.example.com', TRUST_PROXY: 'loopback, 10.1.2.3', HTTPS_ONLY: 'true' };
    expect(readGatewayConfig()).toMatchObject({
      corsOrigins: ['https://app.example.com'],
      trustProxy: ['127.0.0.0/8', '::1/128', '10.1.2.3/32'],
      httpsOnly: true,
    });
    process.env = {};
    expect(readGatewayConfig()).toMatchObject({ corsOrigins: [], trustProxy: [], httpsOnly: false });
  });

  it.each([
    [{ CORS_ORIGINS: '*' }, /CORS_ORIGINS must name every origin/],
    [{ CORS_ORIGINS: 'app.example.com' }, /CORS_ORIGINS must list origins .* app\.example\.com is none/],
    [{ TRUST_PROXY: 'true' }, /TRUST_PROXY must list the addresses of proxies, .* choose its IP address/],
    [{ HTTPS_ONLY: 'perhaps' }, /HTTPS_ONLY/],
  ])('%j ends the process with a sentence', (variables, sentence) => {
    process.env = variables;
    const exit = new Error('The process ends.');
    jest.spyOn(process, 'exit').mockImplementation(() => {
      throw exit;
    });
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(readGatewayConfig).toThrow(exit);
    expect(write).toHaveBeenCalledWith(expect.stringMatching(sentence));
  });
});
