import { invalidField, ProblemError } from '@taai/contracts';
import { openAiError } from './error';

const errorOf = (problem: ProblemError) => JSON.parse(openAiError.write(problem)).error;

describe('openAiError', () => {
  it('names the first field at fault', () => {
    expect(errorOf(invalidField('messages.0.role', 'must be one of user.'))).toEqual({
      message: 'messages[0].role must be one of user.',
      type: 'invalid_request_error',
      param: 'messages[0].role',
      code: 'validation_failed',
    });
  });

  it.each([
    ['unauthenticated', 'authentication_error', 'invalid_api_key'],
    ['forbidden', 'permission_error', 'forbidden'],
    ['unknown_model', 'not_found_error', 'model_not_found'],
    ['rate_limited', 'rate_limit_error', 'rate_limit_exceeded'],
    ['context_length_exceeded', 'invalid_request_error', 'context_length_exceeded'],
    ['provider_auth', 'server_error', 'provider_auth'],
    ['internal', 'server_error', 'internal'],
  ] as const)('%s is of type %s, code %s', (problem, type, code) => {
    expect(errorOf(new ProblemError(problem))).toMatchObject({ type, code, param: null });
  });
});
