import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { ProblemError } from '@taai/contracts';
import { Agent, fetch, request } from 'undici';
import { outboundDispatcher, OutboundRefused, vetUrl } from './outbound';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** An HTTP server on loopback that counts the connections it gets. */
async function target(headers: Record<string, string> = {}, status = 200) {
  const seen = { connections: 0, hosts: [] as string[] };
  const server = createHttpServer((incoming, response) => {
    seen.hosts.push(incoming.headers.host ?? '');
    response.writeHead(status, { connection: 'close', ...headers }).end('hello');
  });
  server.on('connection', () => seen.connections++);
  return { port: await listen(server), seen };
}

function dispatcher(options: Parameters<typeof outboundDispatcher>[0]): Agent {
  const agent = outboundDispatcher(options);
  closers.push(() => agent.destroy());
  return agent;
}

const answers = (...addresses: string[]) => {
  const asked: string[] = [];
  const lookup = async (hostname: string) => {
    asked.push(hostname);
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { asked, lookup };
};

const privateHosts = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '0',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '100.64.0.1',
  '100.100.100.200',
  '192.0.0.192',
  '198.18.0.1',
  '168.63.129.16',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::a00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fec0::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[100::1]',
];

describe('vetUrl', () => {
  it.each([...privateHosts, 'localhost', 'LOCALHOST', 'localhost.', 'api.localhost', '１２７.0.0.1', '127。0。0。1'])(
    'refuses %s',
    (host) => {
      expect(() => vetUrl(`http://${host}:8080/hook`, [])).toThrow(ProblemError);
    },
  );

  it.each([
    'https://example.com/hook?x=1',
    'http://93.184.215.14:8080/',
    'https://[2606:2800:21f:cb07::1]/',
    'https://localhost.example.com/',
  ])('accepts %s', (url) => {
    expect(() => vetUrl(url, [])).not.toThrow();
  });

  it.each(['http://127.0.0.1:3000/', 'http://localhost:3000/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/'])(
    'accepts %s when the operator allows loopback',
    (url) => {
      expect(() => vetUrl(url, LOOPBACK)).not.toThrow();
      expect(() => vetUrl('http://10.0.0.1/', LOOPBACK)).toThrow(ProblemError);
    },
  );

  it.each([
    ['', 'The URL is not valid.'],
    ['example.com', 'The URL is not valid.'],
    ['http://1.2.3.4.5/', 'The URL is not valid.'],
    ['ftp://example.com/', 'The URL must start with http:// or https://.'],
    ['file:///etc/passwd', 'The URL must start with http:// or https://.'],
    ['javascript:alert(1)', 'The URL must start with http:// or https://.'],
    ['https://user:pass@example.com/', 'The URL must not contain a user name or password.'],
    ['https://user@example.com/', 'The URL must not contain a user name or password.'],
  ])('says what is wrong with "%s"', (url, sentence) => {
    expect(() => vetUrl(url, [])).toThrow(new ProblemError('url_not_allowed', sentence));
  });

  it('names a range that the operator mistyped', () => {
    expect(() => vetUrl('http://10.0.0.1/', ['10.0.0.0/33'])).toThrow('"10.0.0.0/33" is not a range');
    expect(() => outboundDispatcher({ allow: ['localhost'] })).toThrow('"localhost" is not a range');
  });
});

describe('outboundDispatcher', () => {
  it.each(privateHosts)('does not connect to %s', async (host) => {
    const { port, seen } = await target();
    const agent = dispatcher({ allow: [] });
    await expect(request(`http://${host}:${port}/`, { dispatcher: agent })).rejects.toBeInstanceOf(OutboundRefused);
    expect(seen.connections).toBe(0);
  });

  it('connects where the operator allows', async () => {
    const { port } = await target();
    const agent = dispatcher({ allow: LOOPBACK });
    const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher: agent });
    expect(await body.text()).toBe('hello');
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '169.254.169.254', 'fe80::1%lo'])(
    'does not follow a name to %s',
    async (address) => {
      const { port, seen } = await target();
      const agent = dispatcher({ allow: [], lookup: answers(address).lookup });
      const attempt = request(`http://hook.example:${port}/`, { dispatcher: agent });
      await expect(attempt).rejects.toThrow(
        new OutboundRefused(
          'The host hook.example is, or leads to, a private or reserved address, which may not be called.',
        ),
      );
      expect(seen.connections).toBe(0);
    },
  );

  it('uses the system resolver by default', async () => {
    const { port, seen } = await target();
    await expect(
      request(`http://localhost:${port}/`, { dispatcher: dispatcher({ allow: [] }) }),
    ).rejects.toBeInstanceOf(OutboundRefused);
    expect(seen.connections).toBe(0);
    const { statusCode, body } = await request(`http://localhost:${port}/`, {
      dispatcher: dispatcher({ allow: LOOPBACK }),
    });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it('looks a name up once per connection and connects to that very answer', async () => {
    const { port, seen } = await target();
    let asked = 0;
    const rebinding = async () => [{ address: ++asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    const agent = dispatcher({ allow: LOOPBACK, lookup: rebinding });
    const { body } = await request(`http://hook.example:${port}/`, { dispatcher: agent });
    await body.dump();
    expect(asked).toBe(1);
    expect(seen).toEqual({ connections: 1, hosts: [`hook.example:${port}`] });
    await expect(request(`http://hook.example:${port}/`, { dispatcher: agent })).rejects.toBeInstanceOf(
      OutboundRefused,
    );
    expect(asked).toBe(2);
  });

  it('takes only the permitted ones of several answers', async () => {
    const { port } = await target();
    const { lookup } = answers('10.0.0.1', '127.0.0.1', 'fd00::1');
    const { statusCode, body } = await request(`http://hook.example:${port}/`, {
      dispatcher: dispatcher({ allow: LOOPBACK, lookup }),
    });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it('vets where a followed redirect leads', async () => {
    const { port } = await target({ location: 'http://169.254.169.254/latest/meta-data' }, 302);
    const agent = dispatcher({ allow: LOOPBACK });
    const failure: unknown = await fetch(`http://127.0.0.1:${port}/`, { dispatcher: agent }).catch(
      (error: unknown) => error,
    );
    expect(failure).toHaveProperty('cause', expect.any(OutboundRefused));
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { dispatcher: agent });
    await body.dump();
    expect(statusCode).toBe(302);
  });

  it('names the host, not the address, in TLS', async () => {
    const hello: Promise<string> = new Promise((resolve) => {
      const server = createTcpServer((socket) => {
        socket
          .on('error', () => undefined)
          .once('data', (data) => {
            socket.destroy();
            resolve(data.toString('latin1'));
          });
      });
      void listen(server).then((port) =>
        request(`https://hook.example:${port}/`, {
          dispatcher: dispatcher({ allow: LOOPBACK, lookup: answers('127.0.0.1').lookup }),
        }).catch(() => undefined),
      );
    });
    expect(await hello).toContain('hook.example');
  });

  it('passes on that a name is unknown', async () => {
    const unknown = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.example'), { code: 'ENOTFOUND' });
    };
    const agent = dispatcher({ allow: [], lookup: unknown });
    await expect(request('http://nowhere.example/', { dispatcher: agent })).rejects.toHaveProperty('code', 'ENOTFOUND');
  });
});
