import { IsString, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { GivenPassword, LinkToken, NewPassword, passwordRule } from '../fields';
import { hashing } from './auth.contract';
import { limits } from '../schema/limits';

export class ChangePassword {
  @Describe('The password as it is.', 'correct horse battery staple')
  @GivenPassword()
  current_password: string;

  @Describe(`The new password: ${passwordRule}.`, 'seven brave llamas at dawn')
  @NewPassword()
  new_password: string;
}

export class ForgotPassword {
  @Describe('E-mail address of the account.', 'ada@example.com')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.emailCharacters)
  email: string;
}

export class ResetPassword {
  @Describe('From the link of the mail.', '4fQ2m8Yv0c1Xb7Rz9Lk3Wn6Tj5Hs2Pd8Ga1Qe4Uo7Mi')
  @LinkToken()
  token: string;

  @Describe(`The new password: ${passwordRule}.`, 'seven brave llamas at dawn')
  @NewPassword()
  new_password: string;
}

export const passwordContract = contract('auth.password', {
  change: {
    summary: "Change the caller's password; ends the caller's other sessions",
    description:
      'Answers `invalid_credentials` (401) for a wrong current password, `validation_failed` (400) for a new one that is too easy, and `conflict` (409) when it was changed meanwhile.',
    http: 'POST /v1/auth/password/change',
    access: 'session',
    secret: true,
    ...hashing,
    input: ChangePassword,
    output: Nothing,
    limit: { per_minute: 30 },
    effect: 'once',
  },
  forgot: {
    summary: 'Have a link mailed that sets a new password, if there is such an account',
    description:
      'Answers 204 whether or not there is such an account, and `rate_limited` (429) to a network that asks too often. The link works once, for an hour.',
    http: 'POST /v1/auth/password/forgot',
    access: 'public',
    secret: true,
    input: ForgotPassword,
    output: Nothing,
    limit: { per_minute: 60 },
    effect: 'once',
  },
  reset: {
    summary: 'Set a new password by a mailed link; ends all sessions of the user',
    description:
      'Answers `invalid_token` (400) for a link that is used, replaced or too old, and `validation_failed` (400) for a password that is too easy.',
    http: 'POST /v1/auth/password/reset',
    access: 'public',
    secret: true,
    ...hashing,
    input: ResetPassword,
    output: Nothing,
    limit: { per_minute: 60 },
    effect: 'once',
  },
});
