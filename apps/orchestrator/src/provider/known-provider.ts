import { ProblemError, type ProblemCode } from '@taai/contracts';
import { FernetError } from '@taai/platform';
import { ProviderError } from '@taai/providers';
import type { Candidate } from '../model/candidate';
import type { ProviderConnector } from './provider-connector';
import type { ProviderRow } from './provider.repository';

/** A provider that can be called, before a model is chosen. */
export type OpenProvider = Omit<Candidate, 'model'>;

/** A provider as it was read; its key is opened, and the vendor's SDK built, when it is first asked for, and then kept. */
export class KnownProvider {
  private opened: OpenProvider | undefined;

  constructor(
    readonly row: ProviderRow,
    private readonly tenant_id: string,
    private readonly connector: ProviderConnector,
  ) {}

  get isReady(): boolean {
    return this.row.is_active && this.row.credential_id !== null;
  }

  /** @throws ProblemError `code`, saying what is wrong with the credentials */
  open(code: ProblemCode): OpenProvider {
    this.opened ??= this.connect(code);
    return this.opened;
  }

  private connect(code: ProblemCode): OpenProvider {
    const { name: provider_name, credential_id, ciphertext, settings, ...address } = this.row;
    const { provider_id, kind } = address;
    if (credential_id === null || ciphertext === null)
      throw new ProblemError(code, 'The provider has no credentials: store them first.');
    try {
      const adapter = this.connector.connect(this.tenant_id, { ...address, ciphertext });
      return { provider_id, provider_name, kind, settings, credential_id, adapter };
    } catch (error) {
      throw explainRefusal(code, error);
    }
  }
}

function explainRefusal(code: ProblemCode, error: unknown): unknown {
  if (error instanceof ProviderError) return new ProblemError(code, error.message);
  if (!(error instanceof FernetError)) return error;
  return new ProblemError(code, "The provider's credentials cannot be decrypted: store them again.");
}
