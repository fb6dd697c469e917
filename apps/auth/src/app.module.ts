import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readAuthConfig, readDatabaseConfig } from '@taai/platform';
import { AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { AuditHandler } from './audit.handler';
import { AuditRepository } from './audit.repository';
import { AuditService } from './audit.service';
import { AuditVerifier } from './audit.verifier';
import { AuthHandler } from './auth.handler';
import { AuthService } from './auth.service';
import { MailHandler } from './mail.handler';
import { OneTimeTokenRepository } from './one-time-token.repository';
import { Passwords } from './password';
import { SessionRepository } from './session.repository';

const { signingKeys, bcryptCost } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [AuthHandler, MailHandler, AuditHandler],
  providers: [
    AuthService,
    AccountRepository,
    SessionRepository,
    OneTimeTokenRepository,
    ...[AuditService, AuditRepository, AuditVerifier],
    { provide: Passwords, useValue: new Passwords(bcryptCost) },
    { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
  ],
})
export class AppModule {}
