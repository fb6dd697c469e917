import {
  ChatHandshake,
  chatSocketEvents,
  socketMethods,
  type BoundMethod,
  type EventDescription,
  type JsonSchema,
  type SocketMethod,
} from '@taai/contracts';
import { Components } from './components';
import { assertDescribed } from './example';
import { problem } from './problem-schemas';

const CHANNEL = 'chat';
const channel = { $ref: `#/channels/${CHANNEL}` };

interface Message {
  name: string;
  summary: string;
  payload: JsonSchema;
  examples: { payload: unknown }[];
}

interface Operation {
  action: 'send' | 'receive';
  channel: { $ref: string };
  summary: string;
  description?: string;
  messages: { $ref: string }[];
  reply?: { channel: { $ref: string }; messages: { $ref: string }[] };
  'x-permission'?: string;
}

/** What `Components` and the events become. */
interface Gathered {
  messages: Record<string, Message>;
  operations: Record<string, Operation>;
}

/**
 * The AsyncAPI 3.0 document of the namespace `/chat`, derived from the contracts that its events are validated by: what the gateway receives
 * with how it acknowledges each, and what it sends. Throws for what is not described.
 */
export function asyncApiDocument() {
  const components = new Components();
  const gathered: Gathered = { messages: {}, operations: {} };
  for (const bound of socketMethods) receive(bound, components, gathered);
  for (const [type, event] of Object.entries(chatSocketEvents.types)) send(type, event, components, gathered);
  const { messages, operations } = gathered;
  const names = Object.keys(messages);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Task Assistant AI: sockets',
      version: '1',
      description:
        'Conversations by Socket.IO, in the namespace `/chat`, by WebSocket alone. Every event of a client is acknowledged.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    servers: {
      gateway: {
        host: '127.0.0.1:3000',
        pathname: '/socket.io/',
        protocol: 'socketio',
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: {
      [CHANNEL]: {
        address: '/chat',
        description:
          'Connect with `auth: {token}`; who is not let in is told why in `data` of `connect_error`. Join conversations again after each connection, with the last message that is known.',
        messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
      },
    },
    operations,
    components: {
      messages,
      schemas: { ChatHandshake: components.inputs.object(ChatHandshake), ...components.all(), Problem: problem },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT or API key',
          description: 'In the handshake, as `auth.token`.',
        },
      },
    },
  };
}

function receive({ rpc, method }: BoundMethod<SocketMethod>, components: Components, gathered: Gathered): void {
  const { socket, summary, description, access } = method;
  if (!description) throw new Error(`${rpc} has no description.`);
  const input = components.inputs.object(method.input);
  assertDescribed(input, rpc);
  const key = socket.event.replace(':', '.');
  gathered.messages[key] = message(socket.event, summary, input, components);
  const acknowledged = acknowledgement(method, components);
  gathered.messages[`${key}.acknowledged`] = message(socket.event, 'How it went.', acknowledged, components);
  gathered.operations[key] = {
    action: 'receive',
    channel,
    summary,
    description,
    messages: [refTo(key)],
    reply: { channel, messages: [refTo(`${key}.acknowledged`)] },
    ...(access.includes(':') && { 'x-permission': access }),
  };
}

function send(type: string, event: EventDescription, components: Components, gathered: Gathered): void {
  const key = `${type}.told`;
  gathered.messages[key] = message(type, event.description, components.outputs.ref(event.data), components);
  gathered.operations[key] = { action: 'send', channel, summary: event.description, messages: [refTo(key)] };
}

const refTo = (name: string) => ({ $ref: `${channel.$ref}/messages/${name}` });

function message(name: string, summary: string, payload: JsonSchema, components: Components): Message {
  return { name, summary, payload, examples: [{ payload: components.exampleOf(payload, name) }] };
}

const is = (value: boolean): JsonSchema => ({ type: 'boolean', description: 'Whether it was done.', enum: [value] });

function acknowledgement({ output }: SocketMethod, components: Components): JsonSchema {
  const { properties = {}, required = [] } = components.outputs.object(output);
  const done: JsonSchema = {
    type: 'object',
    properties: { ok: is(true), ...properties },
    required: ['ok', ...required],
  };
  const { code, detail, errors } = problem.properties ?? {};
  const fields = { ...(code && { code }), ...(detail && { detail }), ...(errors && { errors }) };
  const retry_after: JsonSchema = { type: 'integer', description: 'Seconds until it may be done.', examples: [1] };
  const error: JsonSchema = {
    type: 'object',
    description: 'Why not.',
    properties: { ...fields, retry_after },
    required: ['code', 'detail'],
  };
  return { oneOf: [done, { type: 'object', properties: { ok: is(false), error }, required: ['ok', 'error'] }] };
}
