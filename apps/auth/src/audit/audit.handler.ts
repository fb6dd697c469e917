import {
  auditContract,
  type AppendAudit,
  type ListAuditLogs,
  type ReportDenied,
  type VerifyAuditLog,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { AuditService } from './audit.service';

@Handles(auditContract)
export class AuditHandler {
  constructor(private readonly audit: AuditService) {}

  list(input: ListAuditLogs) {
    return this.audit.list(input);
  }

  verify(input: VerifyAuditLog) {
    return this.audit.verify(input);
  }

  append(input: AppendAudit) {
    return this.audit.append(input);
  }

  denied(input: ReportDenied) {
    return this.audit.denied(input);
  }
}
