import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readAuthConfig, readDatabaseConfig } from '@taai/platform';
import { AccessHandler } from './access.handler';
import { AccessRepository } from './access.repository';
import { AccessService } from './access.service';
import { AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { ApiKeyHandler } from './api-key.handler';
import { ApiKeyRepository } from './api-key.repository';
import { ApiKeyService } from './api-key.service';
import { AuthHandler } from './auth.handler';
import { AuthService } from './auth.service';
import { Background } from './background';
import { EmailConflicts } from './email-conflicts';
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
import { InviteService } from './invite.service';
import { RoleAuthority } from './role.authority';
import { RoleHandler } from './role.handler';
import { RoleRepository } from './role.repository';
import { RoleService } from './role.service';
import { UserHandler } from './user.handler';
import { UserRepository } from './user.repository';
import { UserService } from './user.service';

const { signingKeys, bcryptCost } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [
    ...[AuthHandler, AccessHandler, SessionHandler, PasswordHandler, MailHandler],
    ...[UserHandler, RoleHandler, ApiKeyHandler],
  ],
  providers: [
    AuthService,
    AccessService,
    AccessRepository,
    RegistrationService,
    EmailConflicts,
    LoginService,
    LoginAttempts,
    SessionService,
    PasswordService,
    AccountRepository,
    SessionRepository,
    OneTimeTokenRepository,
    Background,
    ExpirySweep,
    ...[UserService, UserRepository, InviteService],
    ...[RoleService, RoleRepository, RoleAuthority],
    ...[ApiKeyService, ApiKeyRepository],
    { provide: Passwords, useValue: new Passwords(bcryptCost) },
    { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
  ],
})
export class AppModule {}
