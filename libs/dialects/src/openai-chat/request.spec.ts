import { ProblemError } from '@taai/contracts';
import { openAiError } from './error';
import { chatRequest } from './request';

const readChat = (body: unknown) => chatRequest.read(body);

const least = { model: 'openai/gpt', messages: [{ role: 'user', content: 'Hi' }] };
const named = (name: string) => ({ type: 'function', function: { name } });

/** The field at fault, and what is wrong with it. */
function refusal(read: () => unknown): [string | null, string] {
  try {
    read();
  } catch (error) {
    if (error instanceof ProblemError) {
      const { param, code } = JSON.parse(openAiError.write(error)).error;
      return [param, code];
    }
    throw error;
  }
  throw new Error('It was read.');
}

const nested = (depth: number): object => (depth === 0 ? {} : { properties: nested(depth - 1) });

describe('a chat completion', () => {
  it('leaves out what clients do not say, and ignores what it does not know', () => {
    const nulls = { temperature: null, stop: null, tools: null, n: null, stream: null, stream_options: null };
    const unknown = { store: true, metadata: { a: 'b' }, service_tier: 'auto', prediction: [[[]]] };
    const order = readChat({ ...least, ...nulls, ...unknown });
    expect(JSON.parse(JSON.stringify(order))).toEqual({ request: least, stream: false, include_usage: false });
  });

  it('reads everything that it knows', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const order = readChat({
      ...least,
      n: 1,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 1,
      max_completion_tokens: 7,
      max_tokens: 9,
      stop: 'END',
      seed: -3,
      frequency_penalty: -2,
      presence_penalty: 2,
      reasoning_effort: 'low',
      user: 'u-1',
      tools: [
        { type: 'function', function: { name: 'weather', description: 'Now', parameters, strict: true } },
        named('time'),
      ],
      tool_choice: named('weather'),
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'reply', schema: parameters, strict: true } },
    });
    expect(order).toEqual({
      stream: true,
      include_usage: true,
      request: {
        ...least,
        temperature: 0.5,
        top_p: 1,
        max_output_tokens: 7,
        stop: ['END'],
        seed: -3,
        frequency_penalty: -2,
        presence_penalty: 2,
        reasoning_effort: 'low',
        user: 'u-1',
        tools: [
          { name: 'weather', description: 'Now', input_schema: parameters },
          { name: 'time', input_schema: { type: 'object', properties: {} } },
        ],
        tool_choice: { name: 'weather' },
        parallel_tool_calls: false,
        response_format: { type: 'json_schema', name: 'reply', schema: parameters, strict: true },
      },
    });
  });

  it('reads messages of every role', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'time', arguments: '{"zone":' } };
    const messages = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Be ' },
          { type: 'text', text: 'kind.' },
        ],
      },
      {
        role: 'user',
        name: 'ann',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'Noon' }] },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
    ];
    expect(readChat({ ...least, messages }).request.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', url: 'data:image/png;base64,AA==' },
        ],
      },
      { role: 'assistant', content: '', tool_calls: [{ id: 'c1', name: 'time', arguments: '{"zone":' }] },
      { role: 'tool', tool_call_id: 'c1', name: 'time', content: 'Noon' },
      { role: 'assistant', content: 'No.' },
    ]);
  });

  it('takes what a vendor wants back with a call out of its id', () => {
    const id = 'c1~opaque~signature';
    const messages = [
      { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'time', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: id, content: 'Noon' },
    ];
    expect(readChat({ ...least, messages }).request.messages).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c1', opaque: 'signature', name: 'time', arguments: '{}' }],
      },
      { role: 'tool', tool_call_id: 'c1', name: 'time', content: 'Noon' },
    ]);
  });

  it('reads 10,000 messages at once, and refuses one more', () => {
    const messages = Array.from({ length: 10_000 }, () => ({ role: 'user', content: 'x' }));
    expect(readChat({ ...least, messages }).request.messages).toHaveLength(10_000);
    expect(refusal(() => readChat({ ...least, messages: [...messages, messages[0]] }))[0]).toBe('messages');
  });

  it.each([[null], ['text'], [7], [[least]]])('refuses the body %j', (body) => {
    expect(refusal(() => readChat(body))).toEqual([null, 'malformed_request']);
  });

  it.each<[string, object]>([
    ['model', { model: undefined }],
    ['model', { model: '' }],
    ['model', { model: 'a/b\0' }],
    ['model', { model: 'x'.repeat(301) }],
    ['model', { model: ['openai/gpt'] }],
    ['messages', { messages: undefined }],
    ['messages', { messages: [] }],
    ['messages', { messages: 'Hi' }],
    ['messages', { messages: { length: 1, 0: least.messages[0] } }],
    ['messages[0]', { messages: [null] }],
    ['messages[0].role', { messages: [{ role: 'judge', content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: 'function', name: 'f', content: 'x' }] }],
    ['messages[0].role', { messages: [{ content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: [] }] }],
    ['messages[0].content', { messages: [{ role: 'system', content: { text: 'x' } }] }],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://a.example/b' } }] }] },
    ],
    [
      'messages[0].content[0].image_url.url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
    ],
    ['messages[0].tool_calls', { messages: [{ role: 'assistant', tool_calls: {} }] }],
    [
      'messages[0].tool_calls[0].function.arguments',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f', arguments: {} } }] }] },
    ],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', tool_call_id: 'c1', content: 'x' }] }],
    ['n', { n: 2 }],
    ['n', { n: '1' }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: true }],
    ['stream_options.include_usage', { stream_options: { include_usage: 1 } }],
    ['temperature', { temperature: 2.1 }],
    ['temperature', { temperature: '1' }],
    ['temperature', { temperature: -1 }],
    ['top_p', { top_p: 1.5 }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['max_completion_tokens', { max_completion_tokens: 1e9, max_tokens: 5 }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['stop[0]', { stop: [1] }],
    ['seed', { seed: 0.5 }],
    ['reasoning_effort', { reasoning_effort: 'utmost' }],
    ['user', { user: 'x'.repeat(513) }],
    ['functions', { functions: [] }],
    ['tools', { tools: {} }],
    ['tools', { tools: [named('a'), named('a')] }],
    ['tools', { tools: Array.from({ length: 129 }, (_, index) => named(`t${index}`)) }],
    ['tools[0]', { tools: ['weather'] }],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['tools[0].function.name', { tools: [named('not a name')] }],
    ['tools[0].function.parameters', { tools: [{ type: 'function', function: { name: 'a', parameters: 'object' } }] }],
    [
      'tools[0].function.parameters.type',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'string' } } }] },
    ],
    ['tool_choice', { tool_choice: 'any' }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tool_choice: 7 }],
    ['tool_choice.type', { tool_choice: { type: 'custom' } }],
    ['tool_choice.function.name', { tools: [named('a')], tool_choice: named('b') }],
    ['response_format', { response_format: 'json' }],
    ['response_format.type', { response_format: { type: 'xml' } }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    ['response_format.json_schema.name', { response_format: { type: 'json_schema', json_schema: { schema: {} } } }],
    ['response_format.json_schema.schema', { response_format: { type: 'json_schema', json_schema: { name: 'a' } } }],
  ])('refuses %s', (path, fields) => {
    expect(refusal(() => readChat({ ...least, ...fields }))).toEqual([path, 'validation_failed']);
  });

  it('refuses a schema without end', () => {
    const tools = [{ type: 'function', function: { name: 'a', parameters: nested(5000) } }];
    expect(refusal(() => readChat({ ...least, tools }))[1]).toBe('validation_failed');
  });
});
