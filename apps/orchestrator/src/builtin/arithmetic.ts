import { ToolFailure } from '../loaded-tool';

const MAX_DEPTH = 100;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]\w*)|([-+*/%^(),]))/iy;

type Token = { number: number } | { name: string } | { sign: string };

const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
]);

const functions: ReadonlyMap<string, (...values: number[]) => number> = new Map([
  ...[
    Math.abs,
    Math.ceil,
    Math.cos,
    Math.exp,
    Math.floor,
    Math.max,
    Math.min,
    Math.round,
    Math.sin,
    Math.sqrt,
    Math.tan,
  ].map((apply): [string, (...values: number[]) => number] => [apply.name, apply]),
  ['ln', Math.log],
  ['log', Math.log10],
]);

const takesMany = ['max', 'min'];

/** The value of an expression. Throws ToolFailure `invalid_arguments` for one that cannot be read or has no value. */
export const calculate = (expression: string): number => new Parser(tokensOf(expression)).parse();

function tokensOf(expression: string): Token[] {
  const tokens: Token[] = [];
  const end = expression.trimEnd().length;
  const scanner = new RegExp(TOKEN);
  while (scanner.lastIndex < end) {
    const at = scanner.lastIndex;
    const [, number, name, sign] = scanner.exec(expression) ?? [];
    if (number !== undefined) tokens.push({ number: Number(number) });
    else if (name !== undefined) tokens.push({ name: name.toLowerCase() });
    else if (sign !== undefined) tokens.push({ sign });
    else throw wrong(`cannot be read from ${JSON.stringify(expression.slice(at).trim().slice(0, 20))}`);
  }
  return tokens;
}

/** By recursive descent: sum, product, power, sign, operand. */
class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  parse(): number {
    const value = this.sum();
    if (this.at < this.tokens.length) throw wrong('has something behind its end');
    return value;
  }

  private sum(): number {
    let value = this.product();
    for (let sign = this.take('+', '-'); sign; sign = this.take('+', '-')) {
      const right = this.product();
      value = sign === '+' ? value + right : value - right;
    }
    return told(value);
  }

  private product(): number {
    let value = this.signed();
    for (let sign = this.take('*', '/', '%'); sign; sign = this.take('*', '/', '%')) {
      const right = this.signed();
      if (right === 0 && sign !== '*') throw wrong('divides by zero');
      value = sign === '*' ? value * right : sign === '/' ? value / right : value % right;
    }
    return told(value);
  }

  /** Weaker than a power, as in mathematics: -2^2 is -4. */
  private signed(): number {
    return this.deeper(() => {
      const sign = this.take('-', '+');
      if (!sign) return this.power();
      return sign === '-' ? -this.signed() : this.signed();
    });
  }

  /** To the right: 2^3^2 is 2^9. */
  private power(): number {
    const base = this.operand();
    return this.take('^') ? told(base ** this.signed()) : base;
  }

  private operand(): number {
    const token = this.tokens[this.at];
    if (!token) throw wrong('ends where a number is missing');
    this.at += 1;
    if ('number' in token) return told(token.number);
    if ('name' in token) return constants.get(token.name) ?? this.call(token.name);
    if (token.sign !== '(') throw wrong(`has ${token.sign} where a number is missing`);
    const value = this.sum();
    this.expect(')');
    return value;
  }

  private call(name: string): number {
    const apply = functions.get(name);
    if (!apply) throw wrong(`has ${name}, which is neither a function nor a constant`);
    this.expect('(');
    const values = [this.sum()];
    while (this.take(',')) values.push(this.sum());
    this.expect(')');
    if (values.length > 1 && !takesMany.includes(name)) throw wrong(`gives ${name} more than one number`);
    return told(apply(...values));
  }

  private take(...signs: string[]): string | undefined {
    const token = this.tokens[this.at];
    if (!token || !('sign' in token) || !signs.includes(token.sign)) return undefined;
    this.at += 1;
    return token.sign;
  }

  private expect(sign: string): void {
    if (!this.take(sign)) throw wrong(`lacks a ${sign}`);
  }

  private deeper(work: () => number): number {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw wrong('is nested too deeply');
    const value = work();
    this.depth -= 1;
    return value;
  }
}

function told(value: number): number {
  if (Number.isFinite(value)) return value;
  throw wrong(Number.isNaN(value) ? 'has no value' : 'grows beyond all numbers that can be told');
}

const wrong = (what: string) => new ToolFailure('invalid_arguments', `The expression ${what}.`);
