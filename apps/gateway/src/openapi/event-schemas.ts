import type { EventTable, JsonSchema, SchemaCollector } from '@taai/contracts';
import type { Schemas } from './example';

/** How an event is written: the field that tells its type, and those that stand beside it and its data. */
export interface Envelope {
  type: 'event' | 'type';
  fields: Record<string, JsonSchema>;
}

/** Server-sent events: a field of the stream each, `data` as JSON. */
export const sse: Envelope = {
  type: 'event',
  fields: {
    id: {
      type: 'integer',
      description: 'Place of the event in its run: 1, 2, … Reconnect with it as `Last-Event-ID`.',
      examples: [1],
    },
  },
};

/** The body that a webhook receives. */
export const payload: Envelope = {
  type: 'type',
  fields: {
    id: { type: 'string', format: 'uuid', description: 'Id of the event, the same in every attempt to deliver it.' },
    created_at: { type: 'string', format: 'date-time', description: 'When it happened.' },
    tenant_id: { type: 'string', format: 'uuid', description: 'Id of the tenant that it happened in.' },
  },
};

/** What ends a stream whose answer has begun. */
export const errorEvent: JsonSchema = eventSchema(
  'error',
  { description: 'The stream cannot go on.', data: { $ref: '#/components/schemas/Problem' } },
  { type: 'event', fields: {} },
);

/** `task.created` as `TaskCreatedEvent`. */
export const eventName = (type: string): string =>
  `${type.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase())}Event`;

/** The schema of each event in the table, by name, and the union of all under the table's name. */
export function eventSchemas({ name, types }: EventTable, envelope: Envelope, outputs: SchemaCollector): Schemas {
  const schemas = Object.entries(types).map(([type, { description, data }]) => {
    const event = eventSchema(type, { description, data: outputs.ref(data) }, envelope);
    return [type, event] as const;
  });
  const all = envelope === sse ? [...schemas, ['error', errorEvent] as const] : schemas;
  const union = unionOf(
    all.map(([type]) => type),
    envelope,
  );
  return { ...Object.fromEntries(all.map(([type, event]) => [eventName(type), event])), [name]: union };
}

function eventSchema(
  type: string,
  { description, data }: { description: string; data: JsonSchema },
  envelope: Envelope,
): JsonSchema {
  const properties = {
    ...envelope.fields,
    [envelope.type]: { type: 'string', description: 'Type of the event.', enum: [type] },
    data: { ...data, description: 'What happened.' },
  };
  return { type: 'object', description, properties, required: Object.keys(properties) };
}

function unionOf(types: readonly string[], envelope: Envelope): JsonSchema {
  const mapping = Object.fromEntries(types.map((type) => [type, `#/components/schemas/${eventName(type)}`]));
  return {
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName: envelope.type, mapping },
  };
}
