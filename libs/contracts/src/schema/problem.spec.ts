import { invalidFields, ProblemError } from './problem';

describe('ProblemError', () => {
  it('survives the wire', () => {
    const error = new ProblemError('validation_failed', 'No.', {
      errors: [{ path: 'a', message: 'b' }],
      retry_after: 2,
    });
    expect(ProblemError.fromJSON(JSON.parse(JSON.stringify(error)))).toEqual(error);
  });

  it.each([[null], ['text'], [{}], [{ code: 'made_up', detail: 'x' }], [{ code: 'toString' }]])(
    'reads %j as internal',
    (value) => {
      expect(ProblemError.fromJSON(value)).toMatchObject({ code: 'internal', message: 'Something failed on our side' });
    },
  );
});

describe('invalidFields', () => {
  it('tells of each field in one sentence, and names it', () => {
    const errors = [
      { path: 'title', message: 'must be a string' },
      { path: '', message: 'is nested too deep' },
    ];
    expect(invalidFields(errors).toJSON()).toEqual({
      code: 'validation_failed',
      detail: 'title must be a string; is nested too deep',
      errors,
    });
  });

  it('tells of the first faults, and of the others that there are more', () => {
    const faults = Array.from({ length: 1000 }, (_, at) => ({
      path: 'p'.repeat(10_000),
      message: `${at}`.repeat(10_000),
    }));
    const problem = invalidFields(faults);
    expect(problem.extras.errors).toHaveLength(20);
    expect(problem.message).toMatch(/; … and more$/);
    expect(JSON.stringify(problem).length).toBeLessThan(50_000);
  });
});
