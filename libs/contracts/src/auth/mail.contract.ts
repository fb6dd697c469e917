import { IsEmail, IsIn, IsISO8601, IsString, IsUUID } from 'class-validator';
import { contract } from '../contract';
import { Nullable, type Timestamp } from '../fields';

/** A mail for each kind of one-time link. */
const mailTemplates = ['invite', 'password_reset'] as const;
export type MailTemplate = (typeof mailTemplates)[number];

export class ComposeMail {
  /** Of the one-time token that the mail brings. */
  @IsUUID()
  token_id: string;
}

/** What a mail says, and to whom. */
export class ComposedMail {
  @IsIn(mailTemplates)
  template: MailTemplate;

  @IsEmail()
  to: string;

  @Nullable()
  @IsString()
  name: string | null;

  @IsString()
  tenant_name: string;

  /** Goes into the mail's link, and nowhere else. */
  @IsString()
  token: string;

  @IsISO8601()
  expires_at: Timestamp;
}

export const mailContract = contract('auth.mail', {
  compose: {
    summary: 'Mint the token of a one-time link; an earlier mail with the same token stops working',
    callers: ['webhook'],
    secret: true,
    input: ComposeMail,
    output: ComposedMail,
    effect: 'idempotent',
  },
});
