import { readUsage } from './openai-chunks';

const buckets = (...[input, read, write, output, reasoning]: (number | null)[]) => ({
  input_tokens: input,
  cache_read_tokens: read,
  cache_write_tokens: write,
  output_tokens: output,
  reasoning_tokens: reasoning,
});

describe('readUsage', () => {
  it.each([
    ['no details', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, buckets(10, null, null, 5, null)],
    [
      'more than any call uses',
      { prompt_tokens: 2 ** 53 - 1, completion_tokens: 5 },
      buckets(null, null, null, 5, null),
    ],
    ['zeros', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, buckets(0, null, null, 0, null)],
    [
      'all details',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 10, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 20, accepted_prediction_tokens: 0 },
      },
      buckets(60, 30, 10, 30, 20),
    ],
    [
      'details that are zero',
      {
        prompt_tokens: 9,
        completion_tokens: 4,
        total_tokens: 13,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
      buckets(9, 0, null, 4, 0),
    ],
    [
      'reasoning beyond the completion, told',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 45,
        completion_tokens_details: { reasoning_tokens: 30 },
      },
      buckets(10, null, null, 5, 30),
    ],
    [
      'reasoning beyond the completion, untold',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 45 },
      buckets(10, null, null, 5, 30),
    ],
    [
      'parts that exceed their whole',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 99 },
        completion_tokens_details: { reasoning_tokens: 99 },
      },
      buckets(0, 8, 2, 0, 5),
    ],
    ['no total', { prompt_tokens: 10, completion_tokens: 5 }, buckets(10, null, null, 5, null)],
    ['no output', { prompt_tokens: 10 }, buckets(10, null, null, null, null)],
    [
      'rubbish within',
      { prompt_tokens: 10, completion_tokens: '5', total_tokens: -1, prompt_tokens_details: [] },
      buckets(10, null, null, null, null),
    ],
  ])('sorts %s', (_name, usage, expected) => {
    const result = readUsage(usage);
    expect(result).toEqual(expected);
    const sum = Object.values(result ?? {}).reduce((total: number, tokens) => total + (tokens ?? 0), 0);
    if ('total_tokens' in usage && usage.total_tokens >= 0) expect(sum).toBe(usage.total_tokens);
  });

  it.each([null, undefined, 'much', 7, [], {}, { prompt_tokens: 1.5 }, { completion_tokens: Infinity }])(
    'finds none in %j',
    (usage) => {
      expect(readUsage(usage)).toBeNull();
    },
  );
});
