import 'reflect-metadata';
import { Ajv } from 'ajv';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
  validateSync,
} from 'class-validator';
import { schemaErrors } from './json-schema-errors';
import { validatorErrors } from './validator-errors';

/** What class-validator says of `field: value` under a decorator. */
function validated(decorate: PropertyDecorator, value: unknown) {
  class Input {
    field = value;
  }
  decorate(Input.prototype, 'field');
  return validatorErrors(validateSync(new Input()));
}

/** What ajv says of `field: value` under a schema. */
function compared(schema: object, value: unknown) {
  const validate = new Ajv({ strict: false }).compile({ type: 'object', properties: { field: schema } });
  validate({ field: value });
  return schemaErrors(validate.errors ?? []);
}

describe('a fault has the same path and the same words, whoever finds it:', () => {
  it.each<[string, PropertyDecorator, object, unknown]>([
    ['must be a string', IsString(), { type: 'string' }, 7],
    ['must be an integer number', IsInt(), { type: 'integer' }, 1.5],
    ['must be a number', IsNumber(), { type: 'number' }, 'x'],
    ['must be a boolean value', IsBoolean(), { type: 'boolean' }, 'x'],
    ['must be an object', IsObject(), { type: 'object' }, 'x'],
    ['must be an array', IsArray(), { type: 'array' }, 'x'],
    ['must be one of the following values: low, high', IsIn(['low', 'high']), { enum: ['low', 'high'] }, 'x'],
    ['must be longer than or equal to 2 characters', MinLength(2), { minLength: 2 }, 'x'],
    ['must be shorter than or equal to 2 characters', MaxLength(2), { maxLength: 2 }, 'xxx'],
    ['must not be less than 2', Min(2), { minimum: 2 }, 1],
    ['must not be greater than 2', Max(2), { maximum: 2 }, 3],
    ['must contain at least 1 elements', ArrayMinSize(1), { minItems: 1 }, []],
    ['must contain no more than 1 elements', ArrayMaxSize(1), { maxItems: 1 }, [1, 2]],
    ['must match /^a+$/ regular expression', Matches(/^a+$/), { pattern: '^a+$' }, 'x'],
  ])('%s', (message, decorate, schema, value) => {
    expect(validated(decorate, value)).toEqual([{ path: 'field', message }]);
    expect(compared(schema, value)).toEqual([{ path: 'field', message }]);
  });
});

describe('what class-validator found', () => {
  class Child {
    @IsString({ each: true })
    value: string[] = [7 as unknown as string];
  }

  class Parent {
    @ValidateNested({ each: true })
    @Type(() => Child)
    children: Child[] = [new Child()];

    @ValidateNested()
    child: Child = 'x' as unknown as Child;
  }

  it('has the path of the field within its parents, and no name in its message', () => {
    expect(validatorErrors(validateSync(new Parent()))).toEqual([
      { path: 'children.0.value', message: 'each value must be a string' },
      { path: 'child', message: 'must be either object or array' },
    ]);
  });

  it('names an unknown field by its path alone', () => {
    const input = Object.assign(new Child(), { value: [], 'in property x': 1 });
    const errors = validateSync(input, { whitelist: true, forbidNonWhitelisted: true });
    expect(validatorErrors(errors)).toEqual([{ path: 'in property x', message: 'should not exist' }]);
  });
});
