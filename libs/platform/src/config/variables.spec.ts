import { makeJwk } from '../testing';
import { between, jwks, list, readVariables } from './variables';

const { env } = process;

afterEach(() => {
  process.env = env;
  jest.restoreAllMocks();
});

const specs = { KEYS: list(), COST: between(4, 16)({ default: 12 }), JWKS: jwks({ default: [] }) };

it('reads lists, numbers and keys', () => {
  const key = makeJwk('k');
  process.env = { KEYS: ' a, b,,c ', COST: '4.5', JWKS: JSON.stringify({ keys: [key] }) };
  expect(readVariables(specs)).toEqual({ KEYS: ['a', 'b', 'c'], COST: 4.5, JWKS: [key] });
});

it.each([
  [{}, 'The environment is incomplete: KEYS is missing. See README.md'],
  [{ COST: '17' }, 'KEYS is missing; COST must be a number from 4 to 16.'],
  [{ KEYS: 'a', COST: ' ' }, 'COST must be a number from 4 to 16.'],
  [{ KEYS: 'a', JWKS: '{"keys":[]}' }, 'JWKS is not a set of Ed25519 JWKs'],
  [{ KEYS: 'a', JWKS: '{"keys":[{"kid":"k","x":"x","crv":"P-256"}]}' }, 'JWKS is not a set of Ed25519 JWKs'],
])('%j ends the process with a sentence', (variables, sentence) => {
  process.env = variables;
  const exit = jest.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('The process ends.');
  });
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => readVariables(specs)).toThrow('The process ends.');
  expect(exit).toHaveBeenCalledWith(1);
  expect(write).toHaveBeenCalledWith(expect.stringContaining(sentence));
});
