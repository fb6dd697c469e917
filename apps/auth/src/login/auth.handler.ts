import { authContract, type Empty, type Login, type Register } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { AuthService } from './auth.service';
import { LoginService } from './login.service';
import { RegistrationService } from '../registration/registration.service';

@Handles(authContract)
export class AuthHandler {
  constructor(
    private readonly auth: AuthService,
    private readonly registrations: RegistrationService,
    private readonly logins: LoginService,
  ) {}

  register(input: Register) {
    return this.registrations.register(input);
  }

  login(input: Login) {
    return this.logins.login(input);
  }

  me(_: Empty) {
    return this.auth.me();
  }

  jwks(_: Empty) {
    return this.auth.jwks();
  }
}
