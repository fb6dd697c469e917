import OpenAI from 'openai';
import { newOpenAiTenant, newMark, sandboxProvider, seenOf, type OpenAiTenant } from './support/openai';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

const MODEL = 'main/sandbox-1';
const asks = (content: string) => [{ role: 'user' as const, content }];

const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'The weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const time = { type: 'function' as const, function: { name: 'time', parameters: { type: 'object', properties: {} } } };
const SCRIPT = 'What now? [[delay=0 tool=weather:{"city":"Bern"} tool=time:{}]]';

const failure = async (work: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof OpenAI.APIError) return error;
  throw new Error(`It did not fail with an error of the API: ${String(error)}`);
};

describe("OpenAI's SDK with one of our API keys", () => {
  let tenant: OpenAiTenant;

  beforeEach(async () => {
    tenant = await newOpenAiTenant(anonymous, sandboxUrl);
  });

  it('chats; the answer says who answered at what cost, and the ledger the same', async () => {
    const { data, response } = await tenant.openai.chat.completions
      .create({ model: MODEL, messages: asks('Hello [[tokens=12 delay=0]]') })
      .withResponse();
    expect(data).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, message: { role: 'assistant', content: expect.any(String) }, finish_reason: 'stop' }],
      usage: { completion_tokens: 12 },
    });
    expect(response.headers.get('x-provider')).toBe('main');
    expect(response.headers.get('x-model')).toBe('sandbox-1');
    expect(Number(response.headers.get('x-overhead-ms'))).toBeGreaterThan(0);
    const [record] = await tenant.records(1);
    expect(record).toMatchObject({
      kind: 'chat',
      provider_id: tenant.provider_id,
      provider_kind: 'openai',
      model: 'sandbox-1',
      user_id: tenant.user_id,
      agent_id: null,
      run_id: null,
      input_tokens: data.usage?.prompt_tokens,
      output_tokens: 12,
      is_estimated: false,
      error_code: null,
    });
    expect(data.id).toBe(`chatcmpl-${record['call_id']}`);
    const told = response.headers.get('x-cost-micro-usd');
    expect(told === null ? null : Number(told)).toBe(record['cost_micro_usd']);
  });

  it('streams, with the usage when asked', async () => {
    const stream = await tenant.openai.chat.completions.create({
      model: MODEL,
      messages: asks('Hello [[tokens=20 delay=1]]'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    const [first, last] = [chunks[0], chunks.at(-1)];
    expect(first?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(last).toMatchObject({ choices: [], usage: { completion_tokens: 20 } });
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    const [record] = await tenant.records(1);
    expect(record).toMatchObject({ output_tokens: 20, is_estimated: false });
    expect(last).toHaveProperty('cost_micro_usd', record['cost_micro_usd']);
    const whole = await tenant.openai.chat.completions.create({
      model: MODEL,
      messages: asks('Hello [[tokens=20 delay=0]]'),
    });
    expect(text).toBe(whole.choices[0]?.message.content);
  });

  it('shows what the model thinks aloud', async () => {
    const body = { model: MODEL, messages: asks('Think [[reason=5 tokens=3 delay=0]]') };
    const whole = await tenant.openai.chat.completions.create(body);
    expect(whole.usage?.completion_tokens_details?.reasoning_tokens).toBe(5);
    expect((await tenant.records(1))[0]).toMatchObject({ reasoning_tokens: 5, output_tokens: 3 });
  });

  it('has tools called in parallel, and answers with their results', async () => {
    const ask = { model: MODEL, messages: asks(SCRIPT), tools: [weather, time] };
    const whole = await tenant.openai.chat.completions.create(ask);
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
          { type: 'function', function: { name: 'time', arguments: '{}' } },
        ],
      },
    });
    const streamed = await tenant.openai.chat.completions.stream(ask).finalChatCompletion();
    const calls = streamed.choices[0]?.message.tool_calls ?? [];
    expect(calls.map((call) => call.type === 'function' && [call.function.name, call.function.arguments])).toEqual([
      ['weather', '{"city":"Bern"}'],
      ['time', '{}'],
    ]);
    const results = calls.map(({ id }, index) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: ['Bern: sunny', 'noon'][index] ?? '',
    }));
    const answered = await tenant.openai.chat.completions.create({
      ...ask,
      messages: [...ask.messages, { role: 'assistant', tool_calls: calls }, ...results],
    });
    expect(answered.choices[0]).toMatchObject({ finish_reason: 'stop' });
    expect(answered.choices[0]?.message.content).toContain('Bern: sunny');
    await tenant.records(3);
  });

  it('gets JSON that fits a schema', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    };
    const { choices } = await tenant.openai.chat.completions.create({
      model: MODEL,
      messages: asks('Who? [[delay=0]]'),
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
    });
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({
      name: expect.any(String),
      age: expect.any(Number),
    });
  });

  it('has vectors made', async () => {
    const input = ['one', 'two'];
    const { data, model, usage } = await tenant.openai.embeddings.create({ model: MODEL, input, dimensions: 8 });
    expect(data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 8],
      [1, 8],
    ]);
    expect(model).toBe(MODEL);
    const plain = await tenant.openai.embeddings.create({
      model: MODEL,
      input,
      dimensions: 8,
      encoding_format: 'float',
    });
    for (const [at, { embedding }] of plain.data.entries())
      embedding.forEach((value, index) => expect(value).toBeCloseTo(data[at]?.embedding[index] ?? NaN, 5));
    const records = await tenant.records(2);
    for (const record of records)
      expect(record).toMatchObject({ kind: 'embedding', input_tokens: usage.prompt_tokens, is_estimated: false });
  });

  it('lists and finds models and agents', async () => {
    await tenant.client.post('/v1/agents', { name: 'A', slug: 'helper', system_prompt: '', model: 'sandbox-1' });
    const { data } = await tenant.openai.models.list();
    expect(data).toEqual([
      { id: MODEL, object: 'model', created: expect.any(Number), owned_by: 'main' },
      { id: 'agent:helper', object: 'model', created: expect.any(Number), owned_by: 'agent' },
    ]);
    for (const model of data) expect(await tenant.openai.models.retrieve(model.id)).toEqual(model);
    for (const id of ['main/nothing', 'other/sandbox-1', 'agent:nobody', 'nothing'])
      expect(await failure(tenant.openai.models.retrieve(id))).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('asks an agent: its prompt, its model and its limits, before what the caller says', async () => {
    const mark = newMark();
    const { body: agent } = await tenant.client.post('/v1/agents', {
      name: 'A',
      slug: 'pirate',
      system_prompt: 'You are a pirate of {{sea}}.',
      variables: { sea: 'the Baltic' },
      model: 'sandbox-1',
      provider_id: tenant.provider_id,
      max_output_tokens: 7,
    });
    const answer = await tenant.openai.chat.completions.create({
      model: 'agent:pirate',
      messages: asks(`${mark} [[tokens=50 delay=0]]`),
      max_completion_tokens: 1000,
    });
    expect(answer).toMatchObject({
      model: MODEL,
      choices: [{ finish_reason: 'length' }],
      usage: { completion_tokens: 7 },
    });
    const { messages } = await seenOf(sandboxUrl, mark, () => undefined);
    expect(messages.map(({ role, content }) => [role, content.split(' [[')[0]])).toEqual([
      ['system', 'You are a pirate of the Baltic.'],
      ['user', mark],
    ]);
    expect((await tenant.records(1))[0]).toMatchObject({ agent_id: agent['id'] });
  });

  it('is answered by the fallback of an agent; the ledger tells of both', async () => {
    const broken = await sandboxProvider(tenant, sandboxUrl, 'broken', 'sk-sandbox-invalid');
    await tenant.client.post('/v1/agents', {
      name: 'A',
      slug: 'stubborn',
      system_prompt: '',
      model: 'sandbox-1',
      provider_id: broken,
      fallbacks: [{ provider_id: tenant.provider_id, model: 'sandbox-1' }],
    });
    const { data, response } = await tenant.openai.chat.completions
      .create({ model: 'agent:stubborn', messages: asks('Hello [[delay=0]]') })
      .withResponse();
    expect(data.model).toBe(MODEL);
    expect(response.headers.get('x-provider')).toBe('main');
    expect(await tenant.records(2)).toMatchObject([
      { provider_id: broken, error_code: 'auth' },
      { provider_id: tenant.provider_id, error_code: null },
    ]);
  });

  it('works at either gateway', async () => {
    for (const gateway of gateways) {
      const answer = await tenant
        .at(gateway)
        .chat.completions.create({ model: MODEL, messages: asks('Hi [[delay=0]]') });
      expect(answer.choices).toHaveLength(1);
    }
    await tenant.records(2);
  });
});

describe("OpenAI's API refuses", () => {
  let tenant: OpenAiTenant;

  beforeAll(async () => {
    tenant = await newOpenAiTenant(anonymous, sandboxUrl);
    await tenant.client.patch(`/v1/providers/${tenant.provider_id}`, { settings: { max_retries: 0 } });
  });

  const ask = (openai: OpenAI, content = 'Hi', model = MODEL, more: object = {}) =>
    failure(openai.chat.completions.create({ model, messages: asks(content), ...more }));

  it('who is not known', async () => {
    const openai = new OpenAI({ baseURL: `${gateways[0]}/v1`, apiKey: 'sk-nobody', maxRetries: 0 });
    for (const error of [
      await ask(openai),
      await ask(openai, 'Hi', MODEL, { stream: true }),
      await failure(openai.models.list()),
      await failure(openai.embeddings.create({ model: MODEL, input: 'x' })),
    ]) {
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
      expect(error).toMatchObject({ code: 'invalid_api_key', type: 'authentication_error' });
      expect(error.requestID).toBeTruthy();
    }
  });

  it('a viewer, and a key without the scope', async () => {
    const viewer = await colleague(tenant, 'viewer');
    const { body } = await tenant.client.post('/v1/api-keys', { name: 'reader', scopes: ['agents:read'] });
    for (const apiKey of [viewer.token ?? '', body['key'] as string]) {
      const openai = new OpenAI({ baseURL: `${gateways[0]}/v1`, apiKey, maxRetries: 0 });
      expect(await ask(openai)).toMatchObject({ status: 403, code: 'forbidden', type: 'permission_error' });
      expect((await openai.models.list()).data).toHaveLength(1);
    }
  });

  it("another tenant's provider and agent, as if there were none", async () => {
    const other = await newTenant(anonymous);
    await sandboxProvider(other, sandboxUrl, 'theirs');
    await other.client.post('/v1/agents', { name: 'A', slug: 'theirs', system_prompt: '', model: 'sandbox-1' });
    const absent = await ask(tenant.openai, 'Hi', 'nothing/sandbox-1');
    for (const model of ['theirs/sandbox-1', 'agent:theirs', 'main/unknown-model', 'sandbox-1']) {
      const error = await ask(tenant.openai, 'Hi', model);
      expect(error).toMatchObject({ status: 404, code: 'model_not_found' });
      if (model === 'theirs/sandbox-1') expect(error.message).toBe(absent.message);
    }
  });

  it('what is wrong, naming the field', async () => {
    expect(await ask(tenant.openai, 'Hi', MODEL, { temperature: 3 })).toMatchObject({
      status: 400,
      param: 'temperature',
    });
    expect(await ask(tenant.openai, 'Hi', MODEL, { messages: [] })).toMatchObject({ status: 400, param: 'messages' });
    expect(await ask(tenant.openai, 'x'.repeat(2_000_000))).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('takes 10,000 messages', async () => {
    const messages = Array.from({ length: 10_000 }, (_, index) => ({ role: 'user' as const, content: `m${index}` }));
    const begun = performance.now();
    const answer = await tenant.openai.chat.completions.create({
      model: MODEL,
      messages: [...messages.slice(1), ...asks('[[delay=0]]')],
    });
    expect(answer.choices).toHaveLength(1);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it.each([
    ['[[fail=429 retry_after=7]]', 429, 'rate_limit_exceeded', '7'],
    ['[[fail=500]]', 503, 'provider_unavailable', '1'],
    ['[[fail=400]]', 400, 'provider_refused', null],
    ['[[html]]', 503, 'provider_unavailable', '1'],
  ])('when the provider does: %s', async (directive, status, code, retryAfter) => {
    for (const stream of [false, true]) {
      const error = await ask(tenant.openai, directive, MODEL, { stream });
      expect(error).toMatchObject({ status, code });
      expect(error.headers?.get('retry-after') ?? null).toBe(retryAfter);
    }
  });

  it("and does not blame the caller's key for the provider's", async () => {
    await sandboxProvider(tenant, sandboxUrl, 'wrong', 'sk-sandbox-invalid');
    expect(await ask(tenant.openai, 'Hi', 'wrong/sandbox-1')).toMatchObject({ status: 502, code: 'provider_auth' });
  });

  it('to go on when the provider breaks off, and tells what was used', async () => {
    const fresh = await newOpenAiTenant(anonymous, sandboxUrl);
    const body = { model: MODEL, messages: asks('Break [[tokens=30 delay=2 cut=10]]'), stream: true };
    const response = await fresh.client.fetch('POST', '/v1/chat/completions', {
      body: { ...body, stream_options: { include_usage: true } },
    });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).not.toContain('[DONE]');
    const [used, failed] = text.trim().split('\n\n').slice(-2);
    expect(JSON.parse(used?.slice(6) ?? '')).toMatchObject({ choices: [], usage: { completion_tokens: 10 } });
    expect(JSON.parse(failed?.slice(6) ?? '')).toMatchObject({ error: { code: 'provider_unavailable' } });
    expect(await fresh.records(1)).toMatchObject([
      { error_code: 'unavailable', output_tokens: 10, is_estimated: true },
    ]);
  });
});

describe('a client that leaves', () => {
  const TOKENS = 40;
  /** Long enough for a token more or less not to be 5 %. */
  const PROMPT = 'word '.repeat(60);

  it.each([
    ['first', 1],
    ['middle', TOKENS / 2],
    ['last', TOKENS],
  ])('at the %s token closes the socket to the provider, and leaves one row with what was used', async (_, token) => {
    const tenant = await newOpenAiTenant(anonymous, sandboxUrl);
    const mark = newMark();
    const stream = await tenant.openai.chat.completions.create({
      model: MODEL,
      messages: asks(`${PROMPT} ${mark} [[tokens=${TOKENS} delay=20 hang=${TOKENS}]]`),
      stream: true,
    });
    let read = 0;
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) read += 1;
      if (read === token) break;
    }
    const seen = await seenOf(sandboxUrl, mark, (call) =>
      expect(call).toMatchObject({ aborted: true, finished: false }),
    );
    const [record] = await tenant.records(1);
    expect(record).toMatchObject({ error_code: 'aborted', is_estimated: true });
    const used = record['input_tokens'] + record['output_tokens'];
    const truth = seen.prompt_tokens + seen.tokens_sent;
    expect(Math.abs(used - truth) / truth).toBeLessThanOrEqual(0.05);
  });

  it('before the first token does, too, whether it streams or not', async () => {
    const tenant = await newOpenAiTenant(anonymous, sandboxUrl);
    for (const stream of [true, false]) {
      const mark = newMark();
      const asked = tenant.openai.chat.completions.create(
        { model: MODEL, messages: asks(`${mark} [[hang]]`), stream },
        { signal: AbortSignal.timeout(500) },
      );
      await expect(asked).rejects.toThrow(OpenAI.APIUserAbortError);
      await seenOf(sandboxUrl, mark, (call) => expect(call).toMatchObject({ aborted: true, tokens_sent: 0 }));
    }
    expect(await tenant.records(2)).toMatchObject([{ error_code: 'aborted' }, { error_code: 'aborted' }]);
  });
});

it('an open stream ends when the key that opened it is revoked', async () => {
  const tenant = await newOpenAiTenant(anonymous, sandboxUrl);
  const mark = newMark();
  const messages = asks(`${mark} [[tokens=5000 delay=20]]`);
  const stream = await tenant.openai.chat.completions.create({ model: MODEL, messages, stream: true });
  const reading = failure(Array.fromAsync(stream));
  const { body } = await tenant.client.get('/v1/api-keys');
  await tenant.client.delete(`/v1/api-keys/${body['data'][0].id}`);
  expect(await reading).toMatchObject({ code: 'invalid_api_key' });
  await seenOf(sandboxUrl, mark, (call) => expect(call.aborted).toBe(true));
  await tenant.records(1);
});
