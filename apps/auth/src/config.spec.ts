import { makeJwk } from '@taai/platform-testing';
import { readAuthConfig } from './config';

describe('readAuthConfig', () => {
  const { env } = process;
  const keys = { AUTH_PRIVATE_JWKS: JSON.stringify({ keys: [makeJwk('k')] }) };

  afterEach(() => {
    process.env = env;
    jest.restoreAllMocks();
  });

  it('has what is usual, and takes a grace of hours', () => {
    process.env = keys;
    expect(readAuthConfig()).toMatchObject({ bcryptCost: 12, tenantGraceDays: 30, defaultPlan: 'free' });
    process.env = { ...keys, TENANT_GRACE_DAYS: '0.5', BCRYPT_COST: '10' };
    expect(readAuthConfig()).toMatchObject({ bcryptCost: 10, tenantGraceDays: 0.5 });
  });

  it.each([{ BCRYPT_COST: '1' }, { BCRYPT_COST: '99' }, { BCRYPT_COST: 'x' }, { TENANT_GRACE_DAYS: '-5' }])(
    '%j ends the process with a sentence',
    (variables) => {
      process.env = { ...keys, ...variables };
      jest.spyOn(process, 'exit').mockImplementation(() => {
        throw new Error('The process ends.');
      });
      const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
      expect(readAuthConfig).toThrow('The process ends.');
      expect(write).toHaveBeenCalledWith(expect.stringContaining('must be a number from'));
    },
  );
});
