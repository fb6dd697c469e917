import { ProblemError } from '@taai/contracts';
import { loggedError } from './logged-error';

/** As TypeORM and pg make them. */
const refused = Object.assign(new Error('duplicate key value violates unique constraint "users_email_key"'), {
  name: 'QueryFailedError',
  code: '23505',
  constraint: 'users_email_key',
  query: 'insert into users …',
  parameters: ['ada@example.com', '$2b$12$hash'],
  detail: 'Key (email)=(ada@example.com) already exists.',
  driverError: { detail: 'Failing row contains (ada@example.com, $2b$12$hash)' },
});

it('says of a failed query what happened, and neither its parameters nor its rows', () => {
  const logged = loggedError(refused);
  expect(logged).toEqual({
    type: 'QueryFailedError',
    message: refused.message,
    stack: refused.stack,
    code: '23505',
    constraint: 'users_email_key',
  });
  expect(JSON.stringify(logged)).not.toMatch(/ada@|\$2b\$/);
});

it('follows causes, and not for ever', () => {
  const outer = new Error('outer', { cause: refused });
  expect(loggedError(outer)).toMatchObject({ message: 'outer', cause: { code: '23505' } });
  expect(JSON.stringify(loggedError(outer))).not.toContain('ada@');
  const loop = new Error('loop');
  loop.cause = loop;
  expect(JSON.stringify(loggedError(loop)).match(/"loop"/g)).toHaveLength(4);
});

it('takes whatever is thrown', () => {
  expect(loggedError('text')).toEqual({ type: 'string', message: 'text' });
  expect(loggedError(undefined)).toEqual({ type: 'undefined', message: 'undefined' });
  expect(loggedError(new ProblemError('conflict'))).toMatchObject({ type: 'ProblemError', code: 'conflict' });
});
