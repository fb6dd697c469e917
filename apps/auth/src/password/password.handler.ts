import { passwordContract, type ChangePassword, type ForgotPassword, type ResetPassword } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { PasswordService } from './password.service';

@Handles(passwordContract)
export class PasswordHandler {
  constructor(private readonly passwords: PasswordService) {}

  change(input: ChangePassword) {
    return this.passwords.change(input);
  }

  forgot(input: ForgotPassword) {
    return this.passwords.forgot(input);
  }

  reset(input: ResetPassword) {
    return this.passwords.reset(input);
  }
}
