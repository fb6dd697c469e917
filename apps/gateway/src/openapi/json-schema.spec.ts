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
import { Nullable, Optional, Page } from '@taai/contracts';
import { SchemaCollector } from './json-schema';

class Inner {
  @IsUUID()
  id: string;
}

class Base {
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

  @ValidateNested({ each: true })
  @Type(() => Inner)
  inners: Inner[];
}

class WithoutRule {
  @Length(3)
  code: string;
}

class WithoutType {
  @ValidateNested()
  inner: Inner;
}

describe('SchemaCollector', () => {
  it('says what class-validator enforces: inherited, optional, nullable, nested and repeated fields', () => {
    const collector = new SchemaCollector();
    expect(collector.ref(Outer)).toEqual({ $ref: '#/components/schemas/Outer' });
    expect(collector.schemas).toEqual({
      Inner: {
        type: 'object',
        properties: { id: { type: 'string', format: 'uuid' } },
        required: ['id'],
        additionalProperties: false,
      },
      Outer: {
        type: 'object',
        properties: {
          choice: { type: ['string', 'null'], enum: ['a', 'b', null] },
          inner: { anyOf: [{ $ref: '#/components/schemas/Inner' }, { type: 'null' }] },
          inners: { type: 'array', items: { $ref: '#/components/schemas/Inner' } },
          limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
          names: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 9 } },
          text: { type: ['string', 'null'], maxLength: 5 },
        },
        required: ['choice', 'inner', 'inners', 'names'],
        additionalProperties: false,
      },
    });
  });

  it('names a page after its item', () => {
    const collector = new SchemaCollector();
    expect(collector.ref(Page(Inner))).toEqual({ $ref: '#/components/schemas/InnerPage' });
    expect(Page(Inner)).toBe(Page(Inner));
  });

  it('fails on what it cannot document', () => {
    expect(() => new SchemaCollector().ref(WithoutRule)).toThrow(/WithoutRule.code: no JSON Schema rule .* isLength/);
    expect(() => new SchemaCollector().ref(WithoutType)).toThrow(/WithoutType.inner: @ValidateNested needs @Type/);
  });
});
