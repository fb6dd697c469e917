import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readAuthConfig, readDatabaseConfig } from '@taai/platform';
import { AccessTokens } from './access-token';
import { AccessHandler } from './access.handler';
import { AccessRepository } from './access.repository';
import { AccessService } from './access.service';
import { AccountRepository } from './account.repository';
import { ApiKeyHandler } from './api-key.handler';
import { ApiKeyRepository } from './api-key.repository';
import { ApiKeyService } from './api-key.service';
import { AuditHandler } from './audit.handler';
import { AuditRepository } from './audit.repository';
import { AuditService } from './audit.service';
import { AuditVerifier } from './audit.verifier';
import { AuthHandler } from './auth.handler';
import { AuthService } from './auth.service';
import { Background } from './background';
import { EmailConflicts } from './email-conflicts';
import { ExpirySweep } from './expiry.sweep';
import { ExportRepository } from './export.repository';
import { ExportService } from './export.service';
import { ExportWorker } from './export.worker';
import { InviteService } from './invite.service';
import { LoginAttempts } from './login-attempts';
import { LoginService } from './login.service';
import { MailHandler } from './mail.handler';
import { OneTimeTokenRepository } from './one-time-token.repository';
import { Passwords } from './password';
import { PasswordHandler } from './password.handler';
import { PasswordService } from './password.service';
import { RegistrationService } from './registration.service';
import { RoleAuthority } from './role.authority';
import { RoleHandler } from './role.handler';
import { RoleRepository } from './role.repository';
import { RoleService } from './role.service';
import { SessionHandler } from './session.handler';
import { SessionRepository } from './session.repository';
import { SessionService } from './session.service';
import { tenantDataClients } from './tenant-data.clients';
import { TenantDataHandler } from './tenant-data.handler';
import { TenantEraser } from './tenant.eraser';
import { TenantHandler } from './tenant.handler';
import { TenantRepository } from './tenant.repository';
import { GRACE_DAYS, TenantService } from './tenant.service';
import { UserHandler } from './user.handler';
import { UserRepository } from './user.repository';
import { UserService } from './user.service';

const { signingKeys, bcryptCost, tenantGraceDays } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [
    ...[AuthHandler, AccessHandler, SessionHandler, PasswordHandler, MailHandler],
    ...[UserHandler, RoleHandler, ApiKeyHandler, TenantHandler, TenantDataHandler, AuditHandler],
  ],
  providers: [
    ...[AuthService, RegistrationService, EmailConflicts, AccountRepository],
    ...[AccessService, AccessRepository, { provide: AccessTokens, useValue: new AccessTokens(signingKeys) }],
    ...[LoginService, LoginAttempts, SessionService, SessionRepository],
    ...[PasswordService, { provide: Passwords, useValue: new Passwords(bcryptCost) }],
    ...[OneTimeTokenRepository, Background, ExpirySweep],
    ...[UserService, UserRepository, InviteService],
    ...[RoleService, RoleRepository, RoleAuthority],
    ...[ApiKeyService, ApiKeyRepository],
    ...[TenantService, TenantRepository, TenantEraser, tenantDataClients],
    { provide: GRACE_DAYS, useValue: tenantGraceDays },
    ...[ExportService, ExportRepository, ExportWorker],
    ...[AuditService, AuditRepository, AuditVerifier],
  ],
})
export class AppModule {}
