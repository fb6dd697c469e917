import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const HEAD = 'Host: gateway\r\nConnection: close\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const TOKEN = `Authorization: ${bearer.authorization}\r\n`;

describe('a request without a token', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge();
  });

  afterAll(() => edge.close());

  it.each([
    ['of a body that has not come', `${JSON_TYPE}Content-Length: 100\r\n\r\n`],
    ['of too long a body', `${JSON_TYPE}Content-Length: 99999999999\r\n\r\n`],
    ['of a broken body', `${JSON_TYPE}Content-Length: 1\r\n\r\n{`],
    ['of another type', 'Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>'],
  ])('%s is refused for the token, wherever one is needed', async (_, rest) => {
    for (const path of ['/v1/tasks', '/v1/chat/completions', '/v1/agents'])
      expect(await edge.send(`POST ${path} HTTP/1.1\r\n${HEAD}${rest}`)).toMatch(/^HTTP\/1.1 401 /);
  });

  it('of no route is refused for that', async () => {
    for (const path of ['/v1/tasks/', '/v1/nothing'])
      expect(await edge.send(`POST ${path} HTTP/1.1\r\n${HEAD}${JSON_TYPE}Content-Length: 9\r\n\r\n`)).toMatch(
        /^HTTP\/1.1 404 /,
      );
    expect((await edge.fetch('/v1/tasks/')).status).toBe(404);
  });

  it('is read where none is needed, and with a token', async () => {
    const broken = `${JSON_TYPE}Content-Length: 1\r\n\r\n{`;
    expect(await edge.send(`POST /v1/auth/login HTTP/1.1\r\n${HEAD}${broken}`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await edge.send(`POST /v1/tasks HTTP/1.1\r\n${HEAD}${TOKEN}${broken}`)).toMatch(/^HTTP\/1.1 400 /);
  });
});
