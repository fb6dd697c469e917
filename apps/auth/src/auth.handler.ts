import { authContract, type Empty, type Login, type Register } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { AuthService } from './auth.service';

@Handles(authContract)
export class AuthHandler {
  constructor(private readonly auth: AuthService) {}

  register(input: Register) {
    return this.auth.register(input);
  }

  login(input: Login) {
    return this.auth.login(input);
  }

  me(_: Empty) {
    return this.auth.me();
  }

  jwks(_: Empty) {
    return this.auth.jwks();
  }
}
