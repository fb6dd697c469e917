import { ProviderError } from './provider-error';
import type { ChatRequest } from './types';

/** @throws ProviderError `invalid_request` for a request with a PDF, which has not been sent */
export function refuseFiles({ messages }: Pick<ChatRequest, 'messages'>): void {
  const hasFile = messages.some(
    ({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'file'),
  );
  if (!hasFile) return;
  const refusal = new ProviderError('invalid_request', 'The provider takes no PDFs.');
  refusal.was_sent = false;
  throw refusal;
}
