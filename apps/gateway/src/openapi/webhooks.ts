import type { OpenAPIObject } from '@nestjs/swagger';
import type { EventTable } from '@taai/contracts';
import type { Components } from './components';
import { eventName, payload } from './event-schemas';

type Webhooks = NonNullable<OpenAPIObject['webhooks']>;

const header = (name: string, description: string, example: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema: { type: 'string' },
  example,
});

/** Of standardwebhooks.com. */
const signature = [
  header('webhook-id', 'Id of the event: a repetition has the same.', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42'),
  header('webhook-timestamp', 'When the attempt was made, in seconds since 1970.', '1769860800'),
  header(
    'webhook-signature',
    "`v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` under the endpoint's secret, in base64.",
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ),
];

/** What endpoints receive. */
export function webhooks(events: EventTable, components: Components): Webhooks {
  components.union(events, payload);
  return Object.fromEntries(
    Object.entries(events.types).map(([type, { description }]) => [
      type,
      { post: delivery(type, description, components) },
    ]),
  );
}

function delivery(type: string, description: string, components: Components): NonNullable<Webhooks[string]['post']> {
  const schema = { $ref: `#/components/schemas/${eventName(type)}` };
  return {
    operationId: `webhook.received.${type}`,
    summary: type,
    description: `${description} Check the signature before anything else; events come at least once, in any order.`,
    tags: ['webhook'],
    security: [],
    parameters: signature,
    requestBody: {
      required: true,
      content: { 'application/json': { schema, example: components.exampleOf(schema, type) } },
    },
    responses: { '2XX': { description: 'Delivered; any other answer is tried again.' } },
  };
}
