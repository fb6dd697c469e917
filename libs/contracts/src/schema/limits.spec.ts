import { limits } from './limits';

it('nobody changes a limit while the process runs', () => {
  expect(() => Object.assign(limits, { taskLabels: 1 })).toThrow(TypeError);
});

it('every limit is a number of something', () => {
  for (const limit of Object.values(limits)) expect(limit).toBeGreaterThan(0);
});

it('the least is below the most', () => {
  expect(limits.minPasswordCharacters).toBeLessThan(limits.passwordCharacters);
  expect(limits.minProviderTimeoutMs).toBeLessThan(limits.providerTimeoutMs);
  expect(limits.minToolTimeoutMs).toBeLessThan(limits.defaultToolTimeoutMs);
  expect(limits.defaultToolTimeoutMs).toBeLessThan(limits.toolTimeoutMs);
  expect(limits.defaultToolAnswerBytes).toBeLessThan(limits.toolAnswerBytes);
  expect(limits.defaultPageRows).toBeLessThan(limits.pageRows);
});
