import { limits } from '@taai/contracts';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { assertGoodPassword } from './password-rules';

const grace = { email: 'grace.hopper@example.com', tenant_name: 'Flow-Matic Inc.' };

const refusal = (password: string, owner = grace): unknown => {
  try {
    return assertGoodPassword(password, owner, 'new_password');
  } catch (error) {
    return error;
  }
};

describe('assertGoodPassword', () => {
  it.each([
    ['common', ['password', 'Password1', 'P@ssw0rd!', 'QWERTY123456', ' iloveyou ', '\uff50assword', 'hunter22']],
    ['repetitions', ['aaaaaaaa', 'abababab', 'abcabcabc', 'aaaabbbb', 'aaaaaaab', 'password'.repeat(20)]],
    ['sequences', ['abcdefgh', '87654321', '11112222', 'qwertyuiop', 'zxcvbnm,', '1q2w3e4r']],
    ['dates', ['20011990', '1.1.1990', 'summer2025']],
    ['the address', ['grace.hopper@example.com', 'Grace.Hopper', 'gracehopper', 'grace.hopper!', 'hopper77']],
    ['the name of the tenant', ['flowmatic', 'Flow-Matic Inc.', 'Matic1999']],
  ])('refuses %s', (_, passwords) => {
    for (const password of passwords) {
      expect([password, refusal(password)]).toEqual([
        password,
        expect.objectContaining({
          code: 'validation_failed',
          status: 400,
          extras: {
            errors: [{ path: 'new_password', message: expect.stringMatching(/^is too easy to guess: avoid/) }],
          },
        }),
      ]);
    }
  });

  it.each([
    'demo-password',
    'correct horse',
    'another horse',
    'a long enough secret',
    'kX9#mQ2v',
    'grace under a blue sun',
  ])('takes %s', (password) => expect(refusal(password)).toBeUndefined());

  it("takes the demo login's, although it has the tenant's name in it", () => {
    expect(refusal('demo-password', { email: 'demo@example.com', tenant_name: 'Demo' })).toBeUndefined();
  });

  it('looks at the beginning alone of a long one, because the estimate takes time by the square of the length', () => {
    const check = jest.spyOn(ZxcvbnFactory.prototype, 'check');
    refusal('p@$$w0rd1|!'.repeat(100).slice(0, limits.passwordCharacters));
    expect(check.mock.calls.map(([password]) => password.length)).toEqual([48]);
  });
});
