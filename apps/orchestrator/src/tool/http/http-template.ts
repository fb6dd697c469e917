import type { HttpToolConfig } from '@taai/contracts';
import type { JsonObject } from '@taai/providers';
import { ToolFailure } from '../loaded-tool';

const ARGUMENT = /\{\{\s*([A-Za-z0-9_-]{1,64})\s*\}\}/g;
const ONE_ARGUMENT = /^\{\{\s*([A-Za-z0-9_-]{1,64})\s*\}\}$/;
/** Scheme, host and port, up to where a path or a query begins. */
const ORIGIN = /^https?:\/\/[^/?#\\@{}\s]+[/?]/i;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** UTF-16 units of JSON: of all arguments, wherever they are filled in. */
const MAX_FILLED = 1_000_000;

type UrlTemplate = Pick<HttpToolConfig, 'url' | 'query'>;

/** Names of the arguments in a template, those inside of objects and lists included. */
export function argumentsIn(template: unknown): string[] {
  const texts = JSON.stringify(template) ?? '';
  return [...new Set([...texts.matchAll(ARGUMENT)].flatMap(([, name]) => name ?? []))];
}

/** The URL with `x` for each argument. */
export const sampleUrl = (url: string): string => url.replace(ARGUMENT, 'x');

/** What is wrong with a URL that is to be filled in, if anything is. */
export function urlProblem(url: string): string | undefined {
  const sample = sampleUrl(url);
  if (/[{}#\\\s]/.test(sample)) return 'must be an address without fragment, blanks and single braces';
  if (!ORIGIN.test(url) && url !== sample) return 'may have arguments in its path and in its query values alone';
  const { path, pairs } = split(url);
  if (hasDots(path)) return 'must not have . or .. in its path';
  if (pairs.some((pair) => argumentsIn(pair.split('=')[0]).length > 0))
    return 'may have arguments in its query values, not in their names';
  return undefined;
}

/** Throws ToolFailure for arguments that make more of the request than a server is sent: a template may name one of them many times. */
export function assertFits(template: unknown, args: JsonObject): void {
  const sizes = new Map(Object.entries(args).map(([name, value]) => [name, JSON.stringify(value).length]));
  let size = 0;
  for (const [, name = ''] of JSON.stringify(template).matchAll(ARGUMENT)) size += sizes.get(name) ?? 0;
  if (size > MAX_FILLED) throw unfit('would be larger than 1 MB');
}

/** The address to be called. Throws ToolFailure for arguments that do not fit in, or would lead elsewhere. */
export function fillUrl({ url, query = {} }: UrlTemplate, args: JsonObject): URL {
  const { path, pairs } = split(url);
  const filled = path.replace(ARGUMENT, (_, name: string) => segment(name, args));
  if (hasDots(filled)) throw unfit('would lead to another path');
  const more = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${value}`);
  const isLiteral = (index: number) => index < pairs.length;
  const search = [...pairs, ...more].flatMap((pair, index) => fillPair(pair, args, isLiteral(index)) ?? []);
  const target = new URL(search.length > 0 ? `${filled}?${search.join('&')}` : filled);
  if (target.origin !== new URL(sampleUrl(url)).origin) throw unfit('would lead to another host');
  return target;
}

/** Without those whose one argument was not given. */
export function fillHeaders(headers: Record<string, string> = {}, args: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, template]) => {
      if (isLeftOut(template, args)) return [];
      const value = fillText(template, args);
      if (!HEADER_VALUE.test(value)) throw unfit(`cannot be sent in the header ${name}: ASCII without line breaks can`);
      return [[name, value]];
    }),
  );
}

/** JSON; a text that is one argument and nothing else becomes what was given, and undefined if nothing was. */
export function fillBody(template: unknown, args: JsonObject): unknown {
  if (typeof template === 'string') {
    const [, name] = ONE_ARGUMENT.exec(template) ?? [];
    return name === undefined ? fillText(template, args) : own(args, name);
  }
  if (Array.isArray(template)) return template.map((item) => fillBody(item, args) ?? null);
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillBody(value, args)]));
}

function split(url: string): { path: string; pairs: string[] } {
  const at = url.indexOf('?');
  return at < 0 ? { path: url, pairs: [] } : { path: url.slice(0, at), pairs: url.slice(at + 1).split('&') };
}

/** Browsers and undici read %2e as a dot. */
const hasDots = (path: string) => path.split('/').some((part) => /^(\.|%2e){1,2}$/i.test(part));

function fillPair(pair: string, args: JsonObject, isLiteral: boolean): string | undefined {
  const at = pair.indexOf('=');
  const [name, template] = [pair.slice(0, at), pair.slice(at + 1)];
  if (at < 0) return pair;
  if (isLeftOut(template, args)) return undefined;
  return `${name}=${isLiteral ? fillEncoded(template, args) : encodeURIComponent(fillScalars(template, args))}`;
}

/** What stands around the arguments is encoded already. */
const fillEncoded = (template: string, args: JsonObject) =>
  template.replace(ARGUMENT, (_, name: string) => encodeURIComponent(scalar(name, args)));

const fillScalars = (template: string, args: JsonObject) =>
  template.replace(ARGUMENT, (_, name: string) => scalar(name, args));

const fillText = (template: string, args: JsonObject) =>
  template.replace(ARGUMENT, (_, name: string) => {
    const value = own(args, name) ?? '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  });

/** An empty one would lead to another resource, the list instead of its entry. */
function segment(name: string, args: JsonObject): string {
  const text = scalar(name, args);
  if (text === '') throw unfit(`cannot do without ${name}`);
  return encodeURIComponent(text);
}

function scalar(name: string, args: JsonObject): string {
  const value = own(args, name) ?? '';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw unfit(`cannot have ${name} in its address: a text, number or boolean can`);
}

function isLeftOut(template: string, args: JsonObject): boolean {
  const [, name] = ONE_ARGUMENT.exec(template) ?? [];
  return name !== undefined && (own(args, name) ?? null) === null;
}

const own = (args: JsonObject, name: string): unknown => (Object.hasOwn(args, name) ? args[name] : undefined);

const unfit = (what: string) => new ToolFailure('invalid_arguments', `With these arguments the request ${what}.`);
