import { parseOrigins, parseProxies } from './edge-variables';

describe('CORS_ORIGINS', () => {
  it.each([
    ['', []],
    [' , ', []],
    ['https://app.example.com', ['https://app.example.com']],
    ['https://a.example, http://localhost:5173', ['https://a.example', 'http://localhost:5173']],
  ])('%j', (text, origins) => expect(parseOrigins(text)).toEqual(origins));

  it.each(['*', 'https://*.example.com', 'https://a.example, *'])('refuses %s, which opens the API', (text) =>
    expect(() => parseOrigins(text)).toThrow('must name every origin'),
  );

  it.each([
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://APP.example.com',
    'https://app.example.com:443',
    'https://ada:secret@app.example.com',
    'file:///etc',
    'javascript:alert(1)',
  ])('refuses %s, which no browser sends as an origin', (text) =>
    expect(() => parseOrigins(text)).toThrow(`: ${text} is none`),
  );
});

describe('TRUST_PROXY', () => {
  it.each([
    ['', []],
    ['false', []],
    ['10.1.2.3', ['10.1.2.3/32']],
    ['fd00::1, 192.0.2.0/24', ['fd00::1/128', '192.0.2.0/24']],
    ['loopback', ['127.0.0.0/8', '::1/128']],
    ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
  ])('%j', (text, ranges) => expect(parseProxies(text)).toEqual(ranges));

  it.each([
    'true',
    '1',
    '*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10/8',
    '::ffff:10.0.0.1',
    'proxy.example.com',
    'constructor',
  ])('refuses %s', (text) => expect(() => parseProxies(text)).toThrow(`: ${text} is none`));
});
