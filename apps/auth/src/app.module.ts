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
import { MailHandler } from './mail.handler';
import { OneTimeTokenRepository } from './one-time-token.repository';
import { Passwords } from './password';
import { SessionRepository } from './session.repository';

const { signingKeys, bcryptCost } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [AuthHandler, AccessHandler, MailHandler],
  providers: [
    AuthService,
    AccessService,
    AccessRepository,
    AccountRepository,
    SessionRepository,
    OneTimeTokenRepository,
    { provide: Passwords, useValue: new Passwords(bcryptCost) },
    { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
  ],
})
export class AppModule {}
