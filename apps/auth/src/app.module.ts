import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readAuthConfig, readDatabaseConfig } from '@taai/platform';
import { AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { AuthHandler } from './auth.handler';
import { AuthService } from './auth.service';
import { ExportRepository } from './export.repository';
import { ExportService } from './export.service';
import { ExportWorker } from './export.worker';
import { MailHandler } from './mail.handler';
import { OneTimeTokenRepository } from './one-time-token.repository';
import { Passwords } from './password';
import { SessionRepository } from './session.repository';
import { tenantDataClients } from './tenant-data.clients';
import { TenantDataHandler } from './tenant-data.handler';
import { TenantEraser } from './tenant.eraser';
import { TenantHandler } from './tenant.handler';
import { TenantRepository } from './tenant.repository';
import { GRACE_DAYS, TenantService } from './tenant.service';

const { signingKeys, bcryptCost, tenantGraceDays } = readAuthConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [AuthHandler, MailHandler, TenantHandler, TenantDataHandler],
  providers: [
    AuthService,
    AccountRepository,
    SessionRepository,
    OneTimeTokenRepository,
    ...[TenantService, TenantRepository, TenantEraser, tenantDataClients],
    ...[ExportService, ExportRepository, ExportWorker],
    { provide: GRACE_DAYS, useValue: tenantGraceDays },
    { provide: Passwords, useValue: new Passwords(bcryptCost) },
    { provide: AccessTokens, useValue: new AccessTokens(signingKeys) },
  ],
})
export class AppModule {}
