import { assertGoodPassword } from './password-rules';

const refusal = (password: string, email = 'grace.hopper@example.com'): unknown => {
  try {
    return assertGoodPassword(password, email, 'new_password');
  } catch (error) {
    return error;
  }
};

describe('assertGoodPassword', () => {
  it.each(['password', 'Password1', 'QWERTYUIOP', ' iloveyou ', '\uff50assword'])(
    'refuses the common %s',
    (password) => {
      expect(refusal(password)).toMatchObject({
        code: 'validation_failed',
        status: 400,
        extras: { errors: [{ path: 'new_password', message: 'is among the most common passwords' }] },
      });
    },
  );

  it.each(['grace.hopper@example.com', 'Grace.Hopper', 'GRACE.HOPPER@example.com'])(
    'refuses the e-mail %s',
    (password) => {
      expect(refusal(password)).toMatchObject({ extras: { errors: [{ message: 'is the e-mail address' }] } });
    },
  );

  it.each(['demo-password', 'correct horse', 'correct horse battery staple', 'a long enough secret', 'grace.hopper!'])(
    'takes %s',
    (password) => expect(refusal(password)).toBeUndefined(),
  );
});
