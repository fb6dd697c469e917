import { OpenAIChunks } from './openai-chunks';
import type { ChatEvent } from '../types';

/** What comes of deltas, and of their end. */
function read(deltas: object[], finish_reason = 'stop'): ChatEvent[] {
  const chunks = new OpenAIChunks();
  const seen = deltas.flatMap((delta) => [...chunks.read({ choices: [{ index: 0, delta, finish_reason: null }] })]);
  seen.push(...chunks.read({ choices: [{ index: 0, delta: {}, finish_reason }] }));
  const end = chunks.finish();
  return end ? [...seen, end] : seen;
}

const calls = (...tool_calls: object[]) => ({ tool_calls });
const begun = (index: number, id: unknown, name: string) => ({ type: 'tool_call', index, id, name });
const written = (index: number, text: string) => ({ type: 'tool_arguments', index, text });
const minted = expect.stringMatching(/^call_[0-9a-f]{32}$/) as unknown;

describe('tool calls', () => {
  it.each([
    [
      'whole, in one chunk',
      [
        calls(
          { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
          { index: 1, id: 'b', function: { name: 'g', arguments: '{}' } },
        ),
      ],
      [begun(0, 'a', 'f'), written(0, '{"x":1}'), begun(1, 'b', 'g'), written(1, '{}')],
    ],
    [
      'in turns, numbered otherwise',
      [
        calls({ index: 7, id: 'a', function: { name: 'f', arguments: '' } }),
        calls({ index: 3, id: 'b', function: { name: 'g', arguments: '' } }),
        calls({ index: 7, function: { arguments: '{"x"' } }),
        calls({ index: 3, function: { arguments: '{}' } }),
        calls({ index: 7, function: { arguments: ':1}' } }),
      ],
      [begun(0, 'a', 'f'), begun(1, 'b', 'g'), written(0, '{"x"'), written(1, '{}'), written(0, ':1}')],
    ],
    [
      'whole, all of them number 0',
      [
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }),
        calls({ index: 0, id: 'b', function: { name: 'f', arguments: '{}' } }),
      ],
      [begun(0, 'a', 'f'), written(0, '{}'), begun(1, 'b', 'f'), written(1, '{}')],
    ],
    [
      'without numbers and names',
      [
        calls({ function: { name: 'f', arguments: '{}' } }),
        calls({ id: '', function: { name: 'g', arguments: '{"x"' } }, { function: { arguments: ':1}' } }),
      ],
      [begun(0, minted, 'f'), written(0, '{}'), begun(1, minted, 'g'), written(1, '{"x"'), written(1, ':1}')],
    ],
    [
      'with name and number in each piece',
      [
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }),
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } }),
      ],
      [begun(0, 'a', 'f'), written(0, '{"x"'), written(0, ':1}')],
    ],
    [
      'with another id in each piece',
      [
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }),
        calls({ index: 0, id: 'b', function: { arguments: ':1}' } }),
      ],
      [begun(0, 'a', 'f'), written(0, '{"x"'), written(0, ':1}')],
    ],
    [
      'numbered at first alone',
      [calls({ index: 0, id: 'a', function: { name: 'f' } }), calls({ function: { arguments: '{}' } })],
      [begun(0, 'a', 'f'), written(0, '{}')],
    ],
  ])('%s', (_how, deltas, expected) => {
    expect(read(deltas)).toEqual([...expected, { type: 'finish', stop_reason: 'tool_calls', usage: null }]);
  });

  it('that name no tool are a fault of the provider', () => {
    expect(() => read([calls({ index: 0, id: 'a', function: { arguments: '{}' } })])).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
  });

  it('cut off at the limit are not taken for whole', () => {
    const cut = calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x' } });
    expect(read([cut], 'length').at(-1)).toMatchObject({ stop_reason: 'length' });
  });
});

it.each([
  ['reasoning_content', { reasoning_content: 'Hm.' }],
  ['reasoning', { reasoning: 'Hm.' }],
  ['both', { reasoning: 'Hm.', reasoning_content: 'Hm.' }],
])('reads thoughts as %s', (_name, delta) => {
  expect(read([{ ...delta, content: null }, { content: 'So.' }])).toMatchObject([
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'So.' },
    { type: 'finish' },
  ]);
});

it('takes a refusal for the answer', () => {
  expect(read([{ content: null, refusal: '' }, { refusal: 'No.' }])).toMatchObject([
    { type: 'text', text: 'No.' },
    { type: 'finish', stop_reason: 'stop' },
  ]);
});

it.each([null, 1, 'x', [], {}, { choices: 1 }, { choices: [null] }, { choices: [{ delta: { tool_calls: 1 } }] }])(
  'makes nothing of %j',
  (chunk) => {
    const chunks = new OpenAIChunks();
    expect(chunks.read(chunk)).toEqual([]);
    expect(chunks.finish()).toBeNull();
  },
);

it('tells usage as often as it is told', () => {
  const chunks = new OpenAIChunks();
  const told = (completion_tokens: number) => ({ choices: [], usage: { prompt_tokens: 5, completion_tokens } });
  expect(chunks.read(told(1))).toMatchObject([{ type: 'usage', usage: { input_tokens: 5, output_tokens: 1 } }]);
  expect(chunks.read(told(2))).toMatchObject([{ type: 'usage', usage: { input_tokens: 5, output_tokens: 2 } }]);
  chunks.read({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null });
  expect(chunks.finish()).toMatchObject({ usage: { input_tokens: 5, output_tokens: 2 } });
});
