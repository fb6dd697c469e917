import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readAuthConfig, readDatabaseConfig } from '@taai/platform';
import { AccessHandler } from './access.handler';
import { AccessRepository } from './access.repository';
import { AccessService } from './access.service';
import { AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { AuthHandler } from './auth.handler';
import { AuthService } from './auth.service';
import { Background } from './background';
import { ExpirySweep } from './expiry.sweep';
import { LoginAttempts } from './login-attempts';
import { LoginService } from './login.service';
import { MailHandler } from './mail.handler';
import { OneTimeTokenRepository } from './one-time-token.repository';
import { Passwords } from './password';
import { PasswordHandler } from './password.handler';
import { PasswordService } from './password.service';
import { RegistrationService } from './registration.service';
import { SessionHandler } from './session.handler';
import { SessionRepository } from './session.repository';
import { SessionService } from './session.service';

const { signingKeys, bcryptCost } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [AuthHandler, AccessHandler, SessionHandler, PasswordHandler, MailHandler],
  providers: [
    AuthService,
    AccessService,
    AccessRepository,
    RegistrationService,
    LoginService,
    LoginAttempts,
    SessionService,
    PasswordService,
    AccountRepository,
    SessionRepository,
    OneTimeTokenRepository,
    Background,
    ExpirySweep,
    { provide: Passwords, useValue: new Passwords(bcryptCost) },
    { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
  ],
})
export class AppModule {}
