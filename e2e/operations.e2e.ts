import { sharedFleet } from './support/shared-fleet';

const { anonymous } = sharedFleet();

describe('the gateway', () => {
  it('says that it lives and what it depends on', async () => {
    expect(await anonymous.get('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const ready = await anonymous.get('/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'ok', details: { redis: { status: 'up' } } } });
  });

  it('serves its documentation, as committed', async () => {
    const page = await anonymous.fetch('GET', '/docs');
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('swagger-ui');
    const { body } = await anonymous.get('/docs/openapi.json');
    expect(Object.keys(body['paths'])).toContain('/v1/agents/{id}/runs');
  });

  it('does not show its metrics to clients', async () => {
    expect((await anonymous.get('/metrics')).status).toBe(404);
  });
});
