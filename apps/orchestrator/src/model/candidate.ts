import type { ProviderKind, CallSettings } from '@taai/contracts';
import type { ProviderAdapter } from '@taai/providers';
import type { ModelReply } from './model-call';

/** A model that can be asked, and how. */
export interface Candidate {
  provider_id: string;
  /** Of the provider, as in `provider/model`. */
  provider_name: string;
  kind: ProviderKind;
  model: string;
  settings: CallSettings;
  /** Names the credential that the adapter holds. */
  credential_id: string;
  adapter: ProviderAdapter;
}

/** One call of one model, and what came of it. */
export interface Attempt<R = ModelReply> {
  call_id: string;
  candidate: Candidate;
  reply: R;
}
