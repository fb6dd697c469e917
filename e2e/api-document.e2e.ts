import { checkAnswer, checkEvent } from './support/api-document';

describe('the check against the API document', () => {
  const check = (body: object) => () => checkAnswer('GET', '/v1/webhook-event-types', 200, 'application/json', body);

  it('lets no field pass that an answer has not declared, or lacks', () => {
    expect(check({ data: ['task.created'] })).not.toThrow();
    expect(check({ data: ['task.created'], more: 1 })).toThrow(/additional properties/);
    expect(check({})).toThrow(/required property 'data'/);
  });

  it('holds each event to the schema of its type', () => {
    const event = (name: string, data: object) => () => checkEvent('RunEvent', { id: 1, event: name, data });
    expect(event('token', { text: 'a' })).not.toThrow();
    expect(event('token', { text: 'a', more: 1 })).toThrow(/additional properties/);
    expect(event('run.failed', { text: 'a' })).toThrow(/required property 'code'/);
    expect(event('run.forgotten', {})).toThrow(/run.forgotten is no documented RunEvent/);
    expect(() => checkEvent('DomainEvent', { type: 'task.deleted', data: {} })).toThrow(
      /required property 'tenant_id'/,
    );
  });
});
