import { Type } from 'class-transformer';
import {
  Allow,
  IsBoolean,
  IsEmail,
  IsInt,
  IsString,
  IsUrl,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { Class } from './contract';
import { Describe } from './schema/describe';
import { limits } from './schema/limits';
import { invalidField } from './schema/problem';

/** A `Date` until it is serialised, RFC 3339 in UTC on the wire. */
export type Timestamp = string | Date;

const applyDecorators =
  (...decorators: PropertyDecorator[]): PropertyDecorator =>
  (target, key) =>
    decorators.forEach((decorate) => decorate(target, key));

/** The field may be absent. Unlike `@IsOptional` it does not let `null` through. */
export const Optional = () => ValidateIf((_, value) => value !== undefined);

/** The field may be null; what else it may be, the other decorators say. */
export const Nullable = () => ValidateIf((_, value) => value !== null);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

/** The name of a resource in paths and in `provider/model`: lower-case letters, digits, `-` and `_`, at most 63. */
export const Slug = () => Matches(/^[a-z0-9][a-z0-9_-]{0,62}$/);

/** Any JSON. */
export const AnyJson = () => Allow();

/** An absolute HTTP address. Whether it may be called is decided where it is used. */
export const HttpUrl = () =>
  applyDecorators(
    IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true }),
    MaxLength(limits.addressCharacters),
  );

/** An address that mail goes to. */
export const EmailAddress = () => applyDecorators(IsEmail(), MaxLength(limits.emailCharacters));

/** What a password that is being chosen must be, for the descriptions of its fields. */
export const passwordRule = `${limits.minPasswordCharacters} characters at least, and not easily guessed: no common password, repetition, sequence or date, neither the e-mail address nor the name of the tenant`;

/** A password that is being chosen: counted in characters; bytes beyond bcrypt's 72 count too. */
export const NewPassword = () =>
  applyDecorators(IsString(), MinLength(limits.minPasswordCharacters), MaxLength(limits.passwordCharacters));

/** A password that is being checked. */
export const GivenPassword = () => applyDecorators(IsString(), MinLength(1), MaxLength(limits.passwordCharacters));

/** The token of a one-time link: 32 bytes in base64url. */
export const LinkToken = () => applyDecorators(IsString(), Matches(/^[A-Za-z0-9_-]{43}$/));

/** The input of everything that is named by one id in its path. */
export class ById {
  @Describe('Id of the resource that the path names.')
  @IsUUID()
  id: string;
}

/** The input of a method that takes nothing. */
export class Empty {}

/** What every list takes. The gateway fills in the default `limit`, so that services are always told one. */
export class PageQuery {
  @Describe('How many items the page has at most.')
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(limits.pageRows)
  limit: number = limits.defaultPageRows;

  @Describe('`next_cursor` of the page before; absent for the first page.', 'eyJpZCI6IjAxOThmMGUyIn0')
  @Optional()
  @IsString()
  @MaxLength(limits.cursorCharacters)
  cursor?: string;
}

/** What a list takes of what belongs to the id in its path. */
export class PageById extends PageQuery {
  @Describe('Id of the resource whose items are listed.')
  @IsUUID()
  id: string;
}

/** One page of a list, in the list's order, and the cursor of the next one. */
export interface PageOf<T> {
  data: T[];
  has_more: boolean;
  next_cursor: string | null;
}

const pages = new Map<Class, Class<PageOf<object>>>();

/** The output class of a list of `item`. */
export function Page<T extends object>(item: Class<T>): Class<PageOf<T>> {
  const page = pages.get(item) ?? pageClass(item);
  pages.set(item, page);
  return page as Class<PageOf<T>>;
}

function pageClass(item: Class): Class<PageOf<object>> {
  class ItemPage {
    @Describe("The items, in the list's order.")
    @ValidateNested({ each: true })
    @Type(() => item)
    data: object[];

    @Describe('Whether there is a next page.', false)
    @IsBoolean()
    has_more: boolean;

    @Describe('The `cursor` of the next page; null on the last one.', null)
    @Nullable()
    @IsString()
    next_cursor: string | null;
  }
  Object.defineProperty(ItemPage, 'name', { value: `${item.name}Page` });
  return ItemPage;
}

/**
 * Refuses what JSON can say and nobody can store: NUL characters and half surrogate pairs, in values and in keys of free-form objects,
 * numbers beyond all that are finite, and nesting beyond 32 levels. Throws `validation_failed` with the path.
 */
export function assertStorable(value: unknown, path = ''): void {
  const fault = faultIn(value, 0);
  if (fault) throw invalidField([path, ...fault.names].filter((name) => name !== '').join('.'), fault.message);
}

/** Where it is, is put together on the way back alone: nearly all values have none. */
interface Fault {
  names: string[];
  message: string;
}

function faultIn(value: unknown, depth: number): Fault | undefined {
  if (typeof value === 'string') return textFault(value);
  if (value === Infinity || value === -Infinity) return { names: [], message: 'is too large a number' };
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= limits.jsonLevels) return { names: [], message: `is nested deeper than ${limits.jsonLevels} levels` };
  return Array.isArray(value) ? faultInItems(value, depth) : faultInFields(value, depth);
}

function faultInItems(items: readonly unknown[], depth: number): Fault | undefined {
  for (let at = 0; at < items.length; at += 1) {
    const fault = faultIn(items[at], depth + 1);
    if (fault) return { ...fault, names: [String(at), ...fault.names] };
  }
  return undefined;
}

function faultInFields(fields: object, depth: number): Fault | undefined {
  for (const [name, value] of Object.entries(fields)) {
    const inName = textFault(name);
    if (inName) return inName;
    const fault = faultIn(value, depth + 1);
    if (fault) return { ...fault, names: [name, ...fault.names] };
  }
  return undefined;
}

const textFault = (text: string): Fault | undefined =>
  text.includes('\0') || !text.isWellFormed()
    ? { names: [], message: 'must be Unicode text without NUL characters' }
    : undefined;

const RFC3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i;

/**
 * A client's date, or date and time with its offset, in UTC to the millisecond. Throws `validation_failed` with `path` for
 * what ISO 8601 allows besides (weeks, local times) and for years that are not 1 to 9999.
 */
export function readTimestamp(path: string, text: string): string {
  const time = RFC3339.test(text) ? Date.parse(text) : NaN;
  const utc = Number.isNaN(time) ? '' : new Date(time).toISOString();
  if (!/^\d{4}-/.test(utc) || utc.startsWith('0000')) throw invalidField(path, 'must be a time as RFC 3339 writes it');
  return utc;
}
