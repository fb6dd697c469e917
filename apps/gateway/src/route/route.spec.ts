import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { bind, ById, contract, CreateTask, Nothing, type BoundMethod } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import request from 'supertest';
import { contractControllers } from './route';
import { validation } from './validation';
import { ProblemFilter } from '../http/problem.filter';

class ArchiveTask extends CreateTask {}

/** An entry as someone would add it to the task service: all that its route is made of. */
const added = contract('task', {
  archive: {
    summary: 'Archive a task',
    http: 'POST /v1/tasks/archive',
    access: 'tasks:update',
    input: ArchiveTask,
    output: ById,
    effect: 'once',
  },
  forget: {
    summary: 'Forget a task',
    http: 'DELETE /v1/tasks/:id/memory',
    access: 'tasks:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});

describe('an endpoint that a contract adds', () => {
  const calls: [string, object][] = [];
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const callRaw = async ({ rpc }: BoundMethod, input: object) => {
      calls.push([rpc, input]);
      return '{"id":"as the service wrote it"}';
    };
    const module = await Test.createTestingModule({
      controllers: contractControllers([bind(added, 'archive'), bind(added, 'forget')]),
      providers: [{ provide: RpcClient, useValue: { callRaw } }],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    app.useGlobalPipes(validation);
    app.useGlobalFilters(new ProblemFilter());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(() => app.close());

  it('is served, validated and passed on without a line in the gateway', async () => {
    const answer = await request(app.getHttpServer()).post('/v1/tasks/archive').send({ title: 'Old' });
    expect(answer.status).toBe(201);
    expect(answer.text).toBe('{"id":"as the service wrote it"}');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(calls.at(-1)).toEqual(['task.archive', { title: 'Old' }]);

    const refused = await request(app.getHttpServer()).post('/v1/tasks/archive').send({ title: '' });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'validation_failed', errors: [{ path: 'title' }] });
    expect(calls).toHaveLength(1);
  });

  it('takes ids from its path', async () => {
    const id = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
    const answer = await request(app.getHttpServer()).delete(`/v1/tasks/${id}/memory`);
    expect(answer.status).toBe(204);
    expect(calls.at(-1)).toEqual(['task.forget', { id }]);
  });
});
