import { NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { ProblemError, problems, type ProblemCode } from '@taai/contracts';
import { problemHeaders, toProblem } from './problem.filter';

const fastifyError = (code: string, statusCode: number) => Object.assign(new Error('No.'), { code, statusCode });

describe('toProblem', () => {
  it.each([
    [new ProblemError('conflict', 'Taken.'), 'conflict', 'Taken.'],
    [fastifyError('FST_ERR_CTP_BODY_TOO_LARGE', 413), 'payload_too_large', 'The body is too large'],
    [
      fastifyError('FST_ERR_CTP_INVALID_MEDIA_TYPE', 415),
      'unsupported_media_type',
      'The body is of another type than the route takes',
    ],
    [fastifyError('FST_ERR_CTP_INVALID_JSON_BODY', 400), 'malformed_request', 'No.'],
    [new NotFoundException('Cannot GET /x'), 'not_found', 'There is no such route.'],
    [new ServiceUnavailableException('Down.'), 'service_unavailable', 'Down.'],
    [fastifyError('FST_ERR_BAD_URL', 400), 'malformed_request', 'The request could not be read'],
    [fastifyError('FST_ERR_MAX_PARAM_LENGTH', 414), 'uri_too_long', 'The URL is too long'],
    [new Error('password is hunter2'), 'internal', 'Something failed on our side'],
    ['thrown text', 'internal', 'Something failed on our side'],
  ])('%s', (error, code, detail) => {
    expect(toProblem(error)).toMatchObject({ code, message: detail });
  });

  it('says when to come back', () => {
    expect(problemHeaders(new ProblemError('overloaded', undefined, { retry_after: 0.2 }))).toMatchObject({
      'retry-after': '1',
    });
  });

  it.each(Object.keys(problems) as ProblemCode[])('says when to come back exactly where that may help: %s', (code) => {
    const expected = [429, 503, 504].includes(problems[code].status) ? '1' : undefined;
    expect(problemHeaders(new ProblemError(code))['retry-after']).toBe(expected);
  });
});
