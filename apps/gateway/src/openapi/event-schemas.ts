import type { EventTable, JsonSchema, SchemaCollector } from '@taai/contracts';
import type { Schemas } from './example';

/** How events are written: the field that tells their type, and those that stand beside it and the data. */
export interface Envelope {
  type: 'event' | 'type';
  fields: Record<string, JsonSchema>;
  /** Fields that not every event has. */
  optional?: Record<string, JsonSchema>;
  /** Events that every table has besides its own, by type. */
  more?: Schemas;
}

const problem = { $ref: '#/components/schemas/Problem' };

/** Server-sent events: a field of the stream each, `data` as JSON. */
const sse: Envelope = {
  type: 'event',
  fields: {
    id: {
      type: 'integer',
      description: 'Place of the event in its run: 1, 2, … Reconnect with it as `Last-Event-ID`.',
      examples: [1],
    },
  },
  more: { error: eventSchema('error', 'The stream cannot go on.', problem, { type: 'event', fields: {} }) },
};

/** As the table says: numbered, or by ids that some events do not have. */
export const sseOf = ({ ids }: EventTable): Envelope =>
  ids === undefined ? sse : { ...sse, fields: {}, optional: { id: { type: 'string', ...ids } } };

/** The body that a webhook receives. */
export const payload: Envelope = {
  type: 'type',
  fields: {
    id: { type: 'string', format: 'uuid', description: 'Id of the event, the same in every attempt to deliver it.' },
    created_at: { type: 'string', format: 'date-time', description: 'When it happened.' },
    tenant_id: { type: 'string', format: 'uuid', description: 'Id of the tenant that it happened in.' },
  },
};

/** `task.created` as `TaskCreatedEvent`. */
export const eventName = (type: string, prefix = ''): string =>
  `${prefix}${type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase())}Event`;

/** The schema of each event in the table, by name, and the union of all under the table's name. */
export function eventSchemas(
  { name, types, prefix }: EventTable,
  envelope: Envelope,
  outputs: SchemaCollector,
): Schemas {
  const own = Object.entries(types).map(
    ([type, { description, data }]) => [type, eventSchema(type, description, outputs.ref(data), envelope)] as const,
  );
  const events = { ...Object.fromEntries(own), ...envelope.more };
  const named = Object.entries(events).map(([type, event]) => [eventName(type, prefix), event] as const);
  return { ...Object.fromEntries(named), [name]: unionOf(Object.keys(events), envelope, prefix) };
}

function eventSchema(type: string, description: string, data: JsonSchema, envelope: Envelope): JsonSchema {
  const properties = {
    ...envelope.fields,
    [envelope.type]: { type: 'string', description: 'Type of the event.', enum: [type] },
    data: { ...data, description: 'What happened.' },
  };
  const required = Object.keys(properties);
  return { type: 'object', description, properties: { ...envelope.optional, ...properties }, required };
}

function unionOf(types: readonly string[], { type: propertyName }: Envelope, prefix?: string): JsonSchema {
  const mapping = Object.fromEntries(types.map((type) => [type, `#/components/schemas/${eventName(type, prefix)}`]));
  return {
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName, mapping },
  };
}
