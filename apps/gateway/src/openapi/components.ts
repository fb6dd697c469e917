import { SchemaCollector, type EventTable, type JsonSchema } from '@taai/contracts';
import { eventSchemas, type Envelope } from './event-schemas';
import { assertDescribed, exampleOf, type Schemas } from './example';
import { problem } from './problem-schemas';

/** The schemas that the document names. No two share a name, and every field is described. */
export class Components {
  readonly inputs = new SchemaCollector('input');
  readonly outputs = new SchemaCollector('output');
  /** Of the APIs that dialects speak: their vendors describe them. */
  readonly dialects: Record<string, JsonSchema> = {};
  private readonly events = new Map<string, Schemas>();

  /** A reference to the union of the table's events. */
  union(table: EventTable, envelope: Envelope): JsonSchema {
    if (!this.events.has(table.name)) this.events.set(table.name, eventSchemas(table, envelope, this.outputs));
    return { $ref: `#/components/schemas/${table.name}` };
  }

  /** Throws for a schema without an example. */
  exampleOf(schema: JsonSchema, path: string): unknown {
    return exampleOf(schema, this.all(), path);
  }

  /** Sorted by name. Throws for two of one name, and for fields without a description. */
  all(): Schemas {
    const ours = [{ Problem: problem }, this.inputs.schemas, this.outputs.schemas, ...this.events.values()];
    for (const [name, schema] of ours.flatMap(Object.entries<JsonSchema>)) assertDescribed(schema, name);
    const named = [...ours, this.dialects].flatMap(Object.entries<JsonSchema>);
    const names = named.map(([name]) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice) throw new Error(`Two schemas are named ${twice}.`);
    assertOneOfEachName(named);
    return Object.fromEntries(named.sort(([a], [b]) => a.localeCompare(b)));
  }
}

/** Generators name what a field holds after schema and field: `Provider.settings` is `ProviderSettings`, and no other schema may be. */
function assertOneOfEachName(named: readonly (readonly [string, JsonSchema])[]): void {
  const names = new Set(named.map(([name]) => name));
  for (const [name, { properties = {} }] of named) {
    const taken = Object.keys(properties).find((field) => names.has(name + pascal(field)));
    if (taken) throw new Error(`Generators would name ${name}.${taken} like the schema ${name + pascal(taken)}.`);
  }
}

const pascal = (field: string): string => field.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
