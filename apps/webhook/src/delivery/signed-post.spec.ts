import { outboundDispatcher } from '@taai/platform';
import { Webhook as Verifier } from 'standardwebhooks';
import { postSigned } from './signed-post';
import { startReceiver } from './receiver.testing';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const loopback = outboundDispatcher({ allow: ['127.0.0.0/8'] });
const closed: { close(): Promise<unknown> }[] = [loopback];

afterAll(() => Promise.all(closed.map((one) => one.close())));

async function receiver(...args: Parameters<typeof startReceiver>) {
  const started = await startReceiver(...args);
  closed.push(started);
  return started;
}

describe('post', () => {
  it('signs so that the published verifier accepts it, and sends the body byte for byte', async () => {
    const { url, received } = await receiver();
    const body = JSON.stringify({ id: 'evt', text: 'Grüße – 你好' });
    expect(await postSigned(loopback, { url, secret, id: 'evt', body })).toEqual({ status_code: 204 });
    expect(received[0]?.body).toBe(body);
    expect(new Verifier(secret).verify(body, received[0]?.headers ?? {})).toEqual(JSON.parse(body));
  });

  it('reports a refusal by its status', async () => {
    const { url } = await receiver((response) => response.writeHead(500).end('no'));
    expect(await postSigned(loopback, { url, secret, id: 'evt', body: '{}' })).toEqual({ status_code: 500 });
  });

  it('does not follow redirects', async () => {
    const target = await receiver();
    const { url } = await receiver((response) => response.writeHead(307, { location: target.url }).end());
    expect(await postSigned(loopback, { url, secret, id: 'evt', body: '{}' })).toEqual({ status_code: 307 });
    expect(target.received).toEqual([]);
  });

  it('stops reading an endless answer', async () => {
    const { url } = await receiver((response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect(await postSigned(loopback, { url, secret, id: 'evt', body: '{}' })).toEqual({ status_code: 200 });
  });

  it('says why there was no answer', async () => {
    const gone = await startReceiver();
    await gone.close();
    expect(await postSigned(loopback, { url: gone.url, secret, id: 'evt', body: '{}' })).toEqual({
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('refuses a private address that a name leads to', async () => {
    const { url, received } = await receiver();
    const dispatcher = outboundDispatcher({ allow: [], lookup: async () => [{ address: '127.0.0.1', family: 4 }] });
    closed.push(dispatcher);
    const named = url.replace('127.0.0.1', 'hooks.example.com');
    expect(await postSigned(dispatcher, { url: named, secret, id: 'evt', body: '{}' })).toEqual({
      error: expect.stringContaining('private'),
    });
    expect(received).toEqual([]);
  });
});
