import { Module, type DynamicModule } from '@nestjs/common';
import { AccessTokens } from './access/access-token';
import { AccessHandler } from './access/access.handler';
import { AccessRepository } from './access/access.repository';
import { AccessService } from './access/access.service';
import { AccountRepository } from './login/account.repository';
import { ApiKeyHandler } from './api-key/api-key.handler';
import { ApiKeyRepository } from './api-key/api-key.repository';
import { ApiKeyService } from './api-key/api-key.service';
import { AuditHandler } from './audit/audit.handler';
import { AuditRepository } from './audit/audit.repository';
import { AuditService } from './audit/audit.service';
import { AuditVerifier } from './audit/audit.verifier';
import { AuthHandler } from './login/auth.handler';
import { AuthService } from './login/auth.service';
import { Background } from './background';
import { EmailConflicts } from './registration/email-conflicts';
import type { AuthConfig } from './config';
import { ExpiryRepository } from './expiry.repository';
import { ExpirySweep } from './expiry.sweep';
import { ExportRepository } from './export/export.repository';
import { ExportService } from './export/export.service';
import { ExportWorker } from './export/export.worker';
import { InviteService } from './user/invite.service';
import { LoginAttempts } from './login/login-attempts';
import { LoginService } from './login/login.service';
import { MailHandler } from './token/mail.handler';
import { OneTimeTokenRepository } from './token/one-time-token.repository';
import { Passwords } from './password/password';
import { PasswordHandler } from './password/password.handler';
import { PasswordService } from './password/password.service';
import { DEFAULT_PLAN, RegistrationService } from './registration/registration.service';
import { RoleAuthority } from './role/role.authority';
import { RoleHandler } from './role/role.handler';
import { RoleRepository } from './role/role.repository';
import { RoleService } from './role/role.service';
import { SessionHandler } from './session/session.handler';
import { SessionRepository } from './session/session.repository';
import { SessionService } from './session/session.service';
import { tenantDataClients } from './tenant/tenant-data.clients';
import { TenantDataHandler } from './tenant/tenant-data.handler';
import { TenantEraser } from './tenant/tenant.eraser';
import { TenantHandler } from './tenant/tenant.handler';
import { TenantRepository } from './tenant/tenant.repository';
import { GRACE_DAYS, TenantService } from './tenant/tenant.service';
import { UserHandler } from './user/user.handler';
import { UserRepository } from './user/user.repository';
import { UserService } from './user/user.service';

/** All of the auth service but its database and its process. */
@Module({})
export class AuthModule {
  static forRoot({ signingKeys, bcryptCost, tenantGraceDays, defaultPlan }: AuthConfig): DynamicModule {
    return {
      module: AuthModule,
      controllers: [
        AuthHandler,
        AccessHandler,
        SessionHandler,
        PasswordHandler,
        MailHandler,
        UserHandler,
        RoleHandler,
        ApiKeyHandler,
        TenantHandler,
        TenantDataHandler,
        AuditHandler,
      ],
      providers: [
        AuthService,
        RegistrationService,
        EmailConflicts,
        AccountRepository,
        AccessService,
        AccessRepository,
        { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
        LoginService,
        LoginAttempts,
        SessionService,
        SessionRepository,
        PasswordService,
        { provide: Passwords, useValue: new Passwords(bcryptCost) },
        OneTimeTokenRepository,
        Background,
        ExpirySweep,
        ExpiryRepository,
        UserService,
        UserRepository,
        InviteService,
        RoleService,
        RoleRepository,
        RoleAuthority,
        ApiKeyService,
        ApiKeyRepository,
        TenantService,
        TenantRepository,
        TenantEraser,
        tenantDataClients,
        { provide: DEFAULT_PLAN, useValue: defaultPlan },
        { provide: GRACE_DAYS, useValue: tenantGraceDays },
        ExportService,
        ExportRepository,
        ExportWorker,
        AuditService,
        AuditRepository,
        AuditVerifier,
      ],
    };
  }
}
