import type { BuiltinServices } from './builtin-tool';
import { failure, toolContext } from '../tool.testing';
import { calculator } from './calculator';

const calculate = (expression: string) =>
  calculator.execute({ expression }, toolContext(), undefined as unknown as BuiltinServices);

describe('the calculator', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 2 - 3', 5],
    ['8 / 4 / 2', 1],
    ['7 % 4', 3],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['2 ^ -1', 0.5],
    ['--3', 3],
    ['1.5e3 + .5', 1500.5],
    ['sqrt(16) + abs(-2)', 6],
    ['max(1, 5, 3) - min(4, 2)', 3],
    ['LOG(1000)', 3],
    ['round(2 * pi)', 6],
    ['ln(e)', 1],
    ['  1+1  ', 2],
  ])('%s = %d', async (expression, value) => {
    expect(await calculate(expression)).toEqual({ value: expect.closeTo(value, 9) });
  });

  it.each([
    ['1 / 0', 'divides by zero'],
    ['1 % 0', 'divides by zero'],
    ['9 ^ 999', 'grows beyond'],
    ['1e999', 'grows beyond'],
    ['sqrt(-1)', 'has no value'],
    ['', 'ends where a number is missing'],
    ['1 +', 'ends where a number is missing'],
    ['1 2', 'behind its end'],
    ['(1', 'lacks a )'],
    ['* 2', 'has * where'],
    ['sqrt(1, 2)', 'more than one number'],
    ['process.exit()', 'cannot be read from ".exit()"'],
    ['constructor(1)', 'neither a function nor a constant'],
    ['1; 2', 'cannot be read from "; 2"'],
    ['０', 'cannot be read'],
    ['('.repeat(400) + '1' + ')'.repeat(400), 'nested too deeply'],
    ['-'.repeat(900) + '1', 'nested too deeply'],
    ['2' + '^2'.repeat(400), 'nested too deeply'],
  ])('refuses (%#)', async (expression, reason) => {
    await expect(calculate(expression)).rejects.toEqual(failure('invalid_arguments', expect.stringContaining(reason)));
  });
});
