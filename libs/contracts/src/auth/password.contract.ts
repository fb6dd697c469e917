import { IsString, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { GivenPassword, LinkToken, NewPassword } from '../fields';
import { hashing } from './auth.contract';
import { limits } from '../limits';

export class ChangePassword {
  @GivenPassword()
  current_password: string;

  @NewPassword()
  new_password: string;
}

export class ForgotPassword {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.emailCharacters)
  email: string;
}

export class ResetPassword {
  @LinkToken()
  token: string;

  @NewPassword()
  new_password: string;
}

export const passwordContract = contract('auth.password', {
  change: {
    summary: "Change the caller's password; ends the caller's other sessions",
    http: 'POST /v1/auth/password/change',
    access: 'session',
    secret: true,
    ...hashing,
    input: ChangePassword,
    output: Nothing,
    effect: 'once',
  },
  forgot: {
    summary: 'Have a link mailed that sets a new password, if there is such an account',
    http: 'POST /v1/auth/password/forgot',
    access: 'public',
    secret: true,
    input: ForgotPassword,
    output: Nothing,
    effect: 'once',
  },
  reset: {
    summary: 'Set a new password by a mailed link; ends all sessions of the user',
    http: 'POST /v1/auth/password/reset',
    access: 'public',
    secret: true,
    ...hashing,
    input: ResetPassword,
    output: Nothing,
    effect: 'once',
  },
});
