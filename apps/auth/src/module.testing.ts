import { Test } from '@nestjs/testing';
import { RlsPool } from '@taai/entities';
import { REDIS, whenReady } from '@taai/platform';
import { makeJwk, testRedis } from '@taai/platform-testing';
import { DataSource } from 'typeorm';
import { AuthModule } from './auth.module';
import { TENANT_DATA } from './tenant/tenant-data.clients';

/** What hashes cost in tests. */
export const COST = 4;

/** The service's own module on a spec's database. It is not started: nothing in it runs by itself. */
export async function openModule(source: DataSource) {
  const redis = testRedis('commands');
  await whenReady(redis);
  const shared = [
    { provide: DataSource, useValue: source },
    { provide: RlsPool, useValue: new RlsPool(source, { prepare: true }) },
    { provide: REDIS, useValue: redis },
  ];
  const stage = { module: class {}, global: true, providers: shared, exports: shared };
  const auth = AuthModule.forRoot({
    signingKeys: [makeJwk('newest')],
    bcryptCost: COST,
    tenantGraceDays: 30,
    defaultPlan: 'free',
  });
  const module = await Test.createTestingModule({ imports: [stage, auth] })
    .overrideProvider(TENANT_DATA)
    .useValue({})
    .compile();
  const close = async () => {
    await module.close();
    redis.disconnect();
  };
  return { module, redis, close };
}
