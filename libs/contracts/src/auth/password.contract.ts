import { IsString, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../describe';
import { GivenPassword, LinkToken, NewPassword } from '../fields';
import { hashing } from './auth.contract';

export class ChangePassword {
  @Describe('The password as it is.', 'correct horse battery staple')
  @GivenPassword()
  current_password: string;

  @Describe('The new password: 8 characters at least, not an easy one.', 'seven brave llamas at dawn')
  @NewPassword()
  new_password: string;
}

export class ForgotPassword {
  @Describe('E-mail address of the account.', 'ada@example.com')
  @IsString()
  @MinLength(1)
  @MaxLength(320)
  email: string;
}

export class ResetPassword {
  @Describe('From the link of the mail.', '4fQ2m8Yv0c1Xb7Rz9Lk3Wn6Tj5Hs2Pd8Ga1Qe4Uo7Mi')
  @LinkToken()
  token: string;

  @Describe('The new password: 8 characters at least, not an easy one.', 'seven brave llamas at dawn')
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
