import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsString, IsUUID, Max, Min, ValidateNested } from 'class-validator';
import { contract, type ServiceName } from './contract';
import { Empty, Nullable, Optional } from './fields';

/** The row that holds a secret. */
export class SecretRef {
  @IsUUID()
  tenant_id: string;

  @IsUUID()
  id: string;
}

export class ReencryptSecrets {
  /** Rows to take up; 100 if absent. */
  @Optional()
  @IsInt()
  @Min(1)
  @Max(500)
  batch?: number;

  /** `last` of the batch before: what failed there is not tried again. */
  @Optional()
  @ValidateNested()
  @Type(() => SecretRef)
  after?: SecretRef;
}

/** What became of one batch. Rows that were changed or removed meanwhile count neither as re-encrypted nor as failed. */
export class ReencryptedSecrets {
  @IsInt()
  reencrypted: number;

  /** Rows that no key opens. They stay as they are. */
  @IsInt()
  failed: number;

  /** Rows behind this batch that are not encrypted with the newest key; counted up to 10,000. */
  @IsInt()
  remaining: number;

  /** The batch's last row; null when there was none left to take up. */
  @Nullable()
  @ValidateNested()
  @Type(() => SecretRef)
  last: SecretRef | null;
}

export class SecretKeys {
  /** Id of the key that new secrets are encrypted with. */
  @IsString()
  newest: string;

  /** Ids of the keys that stored secrets are encrypted with. */
  @IsString({ each: true })
  in_use: string[];

  /** Whether there are secrets besides, from before key ids were recorded. */
  @IsBoolean()
  unrecorded: boolean;
}

/** What the operator's command asks of a service that stores tenants' secrets. */
const secretContract = (service: ServiceName) =>
  contract(`${service}.secret`, {
    reencrypt: {
      summary: 'Encrypt a batch of secrets with the newest key, of whatever tenants',
      callers: ['auth'],
      input: ReencryptSecrets,
      output: ReencryptedSecrets,
      effect: 'idempotent',
      long: true,
      timeout_ms: 30_000,
    },
    keys: {
      summary: 'The ids of the encryption keys in use',
      callers: ['auth'],
      input: Empty,
      output: SecretKeys,
      effect: 'safe',
    },
  });

export const credentialSecretContract = secretContract('orchestrator');
export const webhookSecretContract = secretContract('webhook');
