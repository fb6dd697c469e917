import { ProblemError } from '@taai/contracts';
import { ProviderError, type ProviderErrorCode } from '@taai/providers';
import { problemOf } from './provider-problem';
import { ModelFailure } from '../model/model-failure';

describe('problemOf', () => {
  it.each<[ProviderErrorCode, number, string]>([
    ['rate_limited', 429, 'rate_limited'],
    ['auth', 502, 'provider_auth'],
    ['context_length', 400, 'context_length_exceeded'],
    ['content_filter', 400, 'content_filter'],
    ['invalid_request', 400, 'provider_refused'],
    ['overloaded', 503, 'provider_overloaded'],
    ['unavailable', 503, 'provider_unavailable'],
    ['timeout', 504, 'provider_timeout'],
  ])('%s is %i %s', (code, status, problem) => {
    expect(problemOf(new ProviderError(code, 'Why.'))).toMatchObject({ status, code: problem, message: 'Why.' });
  });

  it('says how long to wait, in whole seconds', () => {
    const { extras } = problemOf(new ProviderError('rate_limited', 'Slower.', { retry_after_ms: 1200 }));
    expect(extras).toEqual({ retry_after: 2 });
  });

  it('knows a model that the provider does not have', () => {
    const problem = problemOf(new ProviderError('invalid_request', 'No such model.', { status: 404 }));
    expect(problem).toMatchObject({ status: 404, code: 'unknown_model' });
  });

  it('passes on what is a problem already, and tells nothing of faults of ours', () => {
    const problem = new ProblemError('overloaded');
    expect(problemOf(problem)).toBe(problem);
    expect(problemOf(new ModelFailure('model_unpriced', 'Set one.'))).toMatchObject({
      status: 422,
      code: 'model_unpriced',
    });
    expect(problemOf(new ModelFailure('output_too_long', 'Long.'))).toMatchObject({ code: 'provider_unavailable' });
    expect(problemOf(new Error('password is hunter2')).message).not.toContain('hunter2');
  });
});
