import type { JsonSchema } from '@taai/contracts';

export type Schemas = Readonly<Record<string, JsonSchema>>;

const formats: Record<string, string> = {
  uuid: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42',
  'date-time': '2026-01-31T12:00:00.000Z',
  email: 'ada@example.com',
};

const refName = (ref: string): string => ref.slice('#/components/schemas/'.length);

/**
 * A value that fits the schema, composed of its fields' examples. Where a field has none, its default, its first enumerated value or
 * its format shows one. Throws when nothing does.
 */
export function exampleOf(schema: JsonSchema, schemas: Schemas, path: string): unknown {
  const { $ref, anyOf, oneOf, properties, items, type, format = '' } = schema;
  if (schema.examples) return schema.examples[0];
  const shown = schema.default ?? schema.enum?.[0] ?? formats[format];
  if (shown !== undefined) return shown;
  if ($ref) return exampleOf(schemas[refName($ref)] ?? {}, schemas, refName($ref));
  const [first] = anyOf ?? oneOf ?? [];
  if (first) return exampleOf(first, schemas, path);
  if (properties) return exampleOfFields(properties, schemas, path);
  if (items) return [exampleOf(items, schemas, path)];
  if ([type].flat().includes('boolean')) return true;
  throw new Error(`${path} has no example: give @Describe one.`);
}

const exampleOfFields = (properties: Schemas, schemas: Schemas, path: string) =>
  Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, exampleOf(field, schemas, `${path}.${name}`)]),
  );

/** Throws for a field that nothing is said of. */
export function assertDescribed({ properties = {} }: JsonSchema, path: string): void {
  const silent = Object.entries(properties).find(([, { description }]) => !description);
  if (silent) throw new Error(`${path}.${silent[0]} has no description: @Describe it.`);
}
