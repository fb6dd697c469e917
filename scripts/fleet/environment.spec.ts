import { byDatabaseService, databaseServices, services, type ServiceName } from '../../libs/contracts/src/contract.ts';
import { makeKeys } from '../start/keys.ts';
import { environmentOf } from './environment.ts';

const keys = makeKeys();
const smtpUrl = 'smtp://user:password@mail';
const databaseUrls = byDatabaseService((service) => `postgres://${service}:secret@db`);
const surroundings = { databaseUrls, redisUrl: 'redis://queue', keys, smtpUrl };
const of = (service: ServiceName, env = {}) =>
  environmentOf(
    service,
    `${service}-1`,
    { management: 1, api: service === 'gateway' ? 2 : undefined },
    { ...surroundings, env },
  );

const holders = (secret: string) => services.filter((service) => JSON.stringify(of(service)).includes(secret));

it('gives every secret only to whom it belongs', () => {
  for (const { kid, d } of keys.context) expect(holders(d)).toEqual([kid]);
  expect(holders(keys.signing.d)).toEqual(['auth']);
  expect(holders(keys.encryption)).toEqual(['orchestrator', 'webhook']);
  expect(holders(smtpUrl)).toEqual(['webhook']);
  for (const service of databaseServices) expect(holders(databaseUrls[service])).toEqual([service]);
});

it('hands on no way to the database of our own', () => {
  process.env.TEST_DATABASE_URL = process.env.TASK_DATABASE_URL = 'postgres://superuser';
  try {
    expect(holders('postgres://superuser')).toEqual([]);
  } finally {
    delete process.env.TEST_DATABASE_URL;
    delete process.env.TASK_DATABASE_URL;
  }
});

it('has links of mails lead to the API, wherever that is, unless our own environment says otherwise', () => {
  const appUrl = () =>
    environmentOf('webhook', 'webhook-1', { management: 1 }, { ...surroundings, apiUrl: 'http://127.0.0.1:4000' })
      .APP_URL;
  expect(appUrl()).toBe('http://127.0.0.1:4000');
  process.env.APP_URL = 'https://app.example.com';
  try {
    expect(appUrl()).toBe('https://app.example.com');
  } finally {
    delete process.env.APP_URL;
  }
});

it('tells each replica its name and ports, and lets options win', () => {
  expect(of('gateway')).toMatchObject({ SERVICE_INSTANCE: 'gateway-1', MANAGEMENT_PORT: '1', PORT: '2' });
  expect(of('task')).toMatchObject({ MANAGEMENT_PORT: '1', PORT: undefined, DATABASE_POOL: '5' });
  expect(of('task', { DATABASE_POOL: '2' })).toMatchObject({ DATABASE_POOL: '2' });
});
