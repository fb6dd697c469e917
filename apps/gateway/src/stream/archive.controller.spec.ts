import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ProblemError, type Archive, type ReadChunk } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { runInContext } from '@taai/tenant';
import { ArchiveController } from './archive.controller';
import { validation } from '../route/validation';
import { Principals } from '../access/principals';
import { OpenStreams } from './open-streams';
import { ProblemFilter } from '../http/problem.filter';

const id = '01900000-0000-7000-8000-000000000000';
const CHUNK = Buffer.alloc(500_000, 'x');

describe('ArchiveController', () => {
  let app: NestFastifyApplication;
  let asked: number[];
  /** Of the caller; aborted when it ends. */
  let access: AbortController;
  let watched: number;
  let sockets = 0;
  let archive: () => Promise<Archive>;
  let chunk: (input: ReadChunk) => Promise<{ bytes: string }>;

  beforeAll(async () => {
    const tenants = {
      archive: () => archive(),
      chunk: (input: ReadChunk) => {
        asked.push(input.seq);
        return chunk(input);
      },
    };
    const module = await Test.createTestingModule({
      controllers: [ArchiveController],
      providers: [
        OpenStreams,
        { provide: RpcClient, useValue: { for: () => tenants } },
        { provide: Principals, useValue: { watch: () => ({ signal: access.signal, end: () => (watched -= 1) }) } },
      ],
    }).compile();
    app = module.createNestApplication(new FastifyAdapter());
    app.useGlobalPipes(validation).useGlobalFilters(new ProblemFilter());
    const caller = { tenant_id: id, permissions: ['*:*'], issuer: 'gateway' as const };
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRequest', (_request: unknown, _reply: unknown, done: () => void) =>
        runInContext({ request_id: 'spec', caller }, done),
      );
    app.getHttpServer().on('connection', (socket: Socket) => {
      sockets += 1;
      socket.on('close', () => (sockets -= 1));
    });
    await app.listen(0, '127.0.0.1');
  });
  beforeEach(() => {
    asked = [];
    access = new AbortController();
    watched = 1;
    chunk = async () => ({ bytes: CHUNK.toString('base64') });
    archive = async () => ({ id, chunks: 100, bytes: 100 * CHUNK.length });
  });
  afterAll(() => app.close());

  async function download(): Promise<IncomingMessage> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const sent = request({ port, path: `/v1/tenant/exports/${id}`, agent: false }).end();
    sent.on('error', () => undefined);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  it('sends every chunk in its order', async () => {
    chunk = async ({ seq }) => ({ bytes: Buffer.from(`${seq};`).toString('base64') });
    archive = async () => ({ id, chunks: 4, bytes: 8 });
    const response = await download();
    expect(Buffer.concat(await Array.fromAsync(response)).toString()).toBe('0;1;2;3;');
    expect(response.headers).toMatchObject({ 'content-type': 'application/gzip', 'content-length': '8' });
  });

  it('fetches no more than the client takes, and nothing for one that has gone', async () => {
    const response = await download();
    // What fits into the buffers of both sides; the client has not read a byte.
    let before = -1;
    await until(() => {
      const isSteady = asked.length === before && asked.length > 0;
      before = asked.length;
      return isSteady;
    });
    expect(asked.length).toBeLessThan(50);
    response.destroy();
    await until(() => sockets === 0);
    const after = asked.length;
    await new Promise(setImmediate);
    expect(asked).toHaveLength(after);
    expect(after).toBeLessThan(100);
  });

  it('cuts the connection when a chunk fails, so that nobody takes a part for the whole', async () => {
    chunk = async ({ seq }) => {
      if (seq === 3) throw new ProblemError('not_found');
      return { bytes: CHUNK.toString('base64') };
    };
    const response = await download();
    await expect(Array.fromAsync(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it("cuts the connection when the caller's access ends", async () => {
    chunk = async ({ seq }) => {
      if (seq === 3) access.abort(new ProblemError('unauthenticated'));
      return { bytes: CHUNK.toString('base64') };
    };
    const response = await download();
    await expect(Array.fromAsync(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(watched).toBe(0);
  });

  it('answers a problem when there is no archive yet', async () => {
    archive = () => Promise.reject(new ProblemError('conflict'));
    const response = await download();
    const body = JSON.parse(Buffer.concat(await Array.fromAsync(response)).toString()) as object;
    expect([response.statusCode, response.headers['content-type'], body]).toEqual([
      409,
      'application/problem+json; charset=utf-8',
      expect.objectContaining({ code: 'conflict' }),
    ]);
    expect(asked).toEqual([]);
  });
});
