import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { newOpenAiTenant, type OpenAiTenant } from './support/openai';
import { sharedFleet } from './support/shared-fleet';

const { anonymous, sandboxUrl } = sharedFleet();

describe("the AI SDK's provider for OpenAI-compatible APIs", () => {
  let tenant: OpenAiTenant;
  let provider: ReturnType<typeof createOpenAICompatible>;

  beforeEach(async () => {
    tenant = await newOpenAiTenant(anonymous, sandboxUrl);
    provider = createOpenAICompatible({
      name: 'tenant',
      baseURL: `${tenant.client.baseUrl}/v1`,
      apiKey: tenant.api_key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
  });

  const weather = tool({
    description: 'The weather of a city',
    inputSchema: jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    }),
    execute: ({ city }) => `${city}: sunny`,
  });

  it('generates text', async () => {
    const { text, usage, finishReason } = await generateText({
      model: provider('main/sandbox-1'),
      prompt: 'Hello [[tokens=9 delay=0]]',
    });
    expect(text).not.toBe('');
    expect(finishReason).toBe('stop');
    expect(usage.outputTokens).toBe(9);
    expect(await tenant.records(1)).toMatchObject([{ output_tokens: 9, input_tokens: usage.inputTokens }]);
  });

  it('streams text', async () => {
    const result = streamText({ model: provider('main/sandbox-1'), prompt: 'Hello [[tokens=9 delay=1]]' });
    const pieces = await Array.fromAsync(result.textStream);
    expect(pieces.length).toBeGreaterThan(1);
    expect((await result.usage).outputTokens).toBe(9);
  });

  it('calls tools, several at once, and goes on with their results', async () => {
    const { steps, text } = await generateText({
      model: provider('main/sandbox-1'),
      prompt: 'What now? [[delay=0 tool=weather:{"city":"Bern"} tool=weather:{"city":"Rome"}]]',
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(steps[0]?.toolResults.map(({ output }) => output)).toEqual(['Bern: sunny', 'Rome: sunny']);
    expect(text).toContain('Rome: sunny');
    await tenant.records(2);
  });

  it('streams tool calls', async () => {
    const result = streamText({
      model: provider('main/sandbox-1'),
      prompt: 'What now? [[delay=1 tool=weather:{"city":"Bern"} tool=weather:{"city":"Rome"}]]',
      tools: { weather },
    });
    const calls = await result.toolCalls;
    expect(calls.map(({ input }) => input)).toEqual([{ city: 'Bern' }, { city: 'Rome' }]);
  });

  it('gets an object that fits a schema', async () => {
    const schema = jsonSchema<{ name: string }>({
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
      additionalProperties: false,
    });
    const { output } = await generateText({
      model: provider('main/sandbox-1'),
      prompt: 'Who? [[delay=0]]',
      output: Output.object({ schema }),
    });
    expect(output).toEqual({ name: expect.any(String) });
  });

  it('has vectors made', async () => {
    const { embeddings } = await embedMany({
      model: provider.embeddingModel('main/sandbox-1'),
      values: ['one', 'two'],
    });
    expect(embeddings).toHaveLength(2);
  });
});
