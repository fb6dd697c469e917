import { Client, DatabaseError, Pool } from 'pg';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { throwExplained } from './database-failure';

const codeOf = (error: unknown, isInDoubt = false): unknown => {
  try {
    throwExplained(error, isInDoubt);
  } catch (explained) {
    return explained === error ? 'as it is' : Reflect.get(Object(explained), 'code');
  }
};

const refused = (code: string) => Object.assign(new DatabaseError('no', 2, 'error'), { code, severity: 'FATAL' });
const wrapped = (cause: Error) => new QueryFailedError('select', [], cause);
const lost = (code: string) => Object.assign(new Error('lost'), { code });

describe('what a failure of the database means', () => {
  it.each(['08006', '08001', '08P01', '53300', '53100', '57P01', '57P02', '57P03', '57P05', '25006'])(
    '%s: it does not answer, and has done nothing',
    (code) => {
      expect(codeOf(refused(code))).toBe('service_unavailable');
      expect(codeOf(wrapped(refused(code)), true)).toBe('service_unavailable');
    },
  );

  it.each(['23505', '22P02', '42P01', '40001', '57014'])('%s: whoever asked must know what', (code) => {
    expect(codeOf(refused(code))).toBe('as it is');
    expect(codeOf(wrapped(refused(code)), true)).toBe('as it is');
  });

  it.each([
    lost('ECONNREFUSED'),
    lost('ECONNRESET'),
    lost('EPIPE'),
    lost('ENOTFOUND'),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated due to connection timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Client has encountered a connection error and is not queryable'),
  ])('%s: it is away, and nobody knows of what it was committing', (error) => {
    expect(codeOf(error)).toBe('service_unavailable');
    expect(codeOf(wrapped(error))).toBe('service_unavailable');
    expect(codeOf(wrapped(error), true)).toBe('outcome_unknown');
  });

  it('takes a transaction whose connection was lost for one that was not done', () => {
    expect(codeOf(new QueryRunnerAlreadyReleasedError())).toBe('service_unavailable');
  });

  it.each([new TypeError('a bug'), 'text', undefined])('%s is no failure of it', (error) => {
    expect(codeOf(error)).toBe('as it is');
  });
});

describe('what pg says of a server that is not there', () => {
  const connectionString = 'postgres://nobody:secret@127.0.0.1:1/nothing';

  it.each([
    ['a client', () => new Client({ connectionString }).connect()],
    ['a pool', () => new Pool({ connectionString }).query('select 1')],
    ['a host with several addresses', () => new Client({ host: 'localhost', port: 1 }).connect()],
  ])('by %s', async (_, connect) => {
    expect(codeOf(await connect().catch((error: unknown) => error))).toBe('service_unavailable');
  });
});
