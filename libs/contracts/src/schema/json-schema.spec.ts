import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsString,
  IsUUID,
  Length,
  Max,
  Min,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import type { Class } from '../contract';
import { Describe } from './describe';
import { Nullable, Optional, Page } from '../fields';
import { SchemaCollector } from './json-schema';

class Inner {
  @Describe('Names it.')
  @IsUUID()
  id: string;
}

class Base {
  @Describe('At most.', 7)
  @Optional()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number = 20;
}

class Outer extends Base {
  @Nullable()
  @IsIn(['a', 'b'])
  choice: string | null;

  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(5)
  text?: string | null;

  @IsArray()
  @ArrayMaxSize(3)
  @IsString({ each: true })
  @MaxLength(9, { each: true })
  names: string[];

  @Nullable()
  @ValidateNested()
  @Type(() => Inner)
  inner: Inner | null;

  @ArrayMaxSize(4)
  @ValidateNested({ each: true })
  @Type(() => Inner)
  inners: Inner[];
}

const unbounded: [string, PropertyDecorator[]][] = [
  ['a text of any length', [IsString()]],
  ['a text of any length', [ArrayMaxSize(2), IsString({ each: true })]],
  ['a number without bounds', [IsInt(), Min(0)]],
  ['a number without bounds', [IsInt(), Max(1)]],
  ['a list without a greatest length', [IsArray(), MaxLength(2, { each: true }), IsString({ each: true })]],
];

class WithoutRule {
  @Length(3)
  code: string;
}

class WithoutType {
  @ValidateNested()
  inner: Inner;
}

const namesakes = { Inner: class Inner {} };

describe('SchemaCollector', () => {
  it('says what class-validator enforces: inherited, optional, nullable, nested and repeated fields', () => {
    const collector = new SchemaCollector('output');
    expect(collector.ref(Outer)).toEqual({ $ref: '#/components/schemas/Outer' });
    expect(collector.schemas).toEqual({
      Inner: {
        type: 'object',
        properties: { id: { description: 'Names it.', type: 'string', format: 'uuid' } },
        required: ['id'],
      },
      Outer: {
        type: 'object',
        properties: {
          choice: { type: ['string', 'null'], enum: ['a', 'b', null] },
          inner: { anyOf: [{ $ref: '#/components/schemas/Inner' }, { type: 'null' }] },
          inners: { type: 'array', maxItems: 4, items: { $ref: '#/components/schemas/Inner' } },
          limit: {
            description: 'At most.',
            examples: [7],
            type: 'integer',
            minimum: 1,
            maximum: 100,
            default: 20,
          },
          names: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 9 } },
          text: { type: ['string', 'null'], maxLength: 5 },
        },
        required: ['choice', 'inner', 'inners', 'names'],
      },
    });
  });

  it('names a page after its item', () => {
    const collector = new SchemaCollector('output');
    expect(collector.ref(Page(Inner))).toEqual({ $ref: '#/components/schemas/InnerPage' });
    expect(Page(Inner)).toBe(Page(Inner));
  });

  it('closes inputs, which have names of their own', () => {
    const collector = new SchemaCollector('input');
    expect(collector.object(Outer, ['inner'])).toMatchObject({
      properties: { inners: { type: 'array', items: { $ref: '#/components/schemas/InnerInput' } } },
      required: ['choice', 'inners', 'names'],
      additionalProperties: false,
    });
    expect(collector.schemas).toMatchObject({ InnerInput: { additionalProperties: false } });
  });

  it('fails on what it cannot document', () => {
    const ref = (type: Class) => () => new SchemaCollector('output').ref(type);
    expect(ref(WithoutRule)).toThrow(/WithoutRule.code: no JSON Schema rule .* isLength/);
    expect(ref(WithoutType)).toThrow(/WithoutType.inner: @ValidateNested needs @Type/);
  });

  it.each(unbounded)('fails on %s that somebody could send', (fault, decorate) => {
    class Input {}
    for (const one of decorate) one(Input.prototype, 'field');
    expect(() => new SchemaCollector('input').object(Input)).toThrow(`Input.field is ${fault}`);
    expect(() => new SchemaCollector('output').object(Input)).not.toThrow();
  });

  it('fails on two classes of one name', () => {
    const collector = new SchemaCollector('output');
    collector.ref(Inner);
    expect(() => collector.ref(namesakes.Inner)).toThrow(/Two classes are named Inner/);
  });
});
