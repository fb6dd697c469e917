import { readUsage } from './google-usage';

const buckets = (...[input, read, output, reasoning]: (number | null)[]) => ({
  input_tokens: input,
  cache_read_tokens: read,
  cache_write_tokens: null,
  output_tokens: output,
  reasoning_tokens: reasoning,
});

describe('readUsage', () => {
  it.each([
    [
      'prompt and answer',
      { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
      buckets(10, null, 5, null),
    ],
    ['no answer yet', { promptTokenCount: 10, totalTokenCount: 10 }, buckets(10, null, 0, null)],
    [
      'all there is',
      {
        promptTokenCount: 12,
        candidatesTokenCount: 71,
        totalTokenCount: 237,
        cachedContentTokenCount: 4,
        toolUsePromptTokenCount: 65,
        thoughtsTokenCount: 89,
      },
      buckets(73, 4, 71, 89),
    ],
    ['thoughts alone', { promptTokenCount: 6, totalTokenCount: 82, thoughtsTokenCount: 76 }, buckets(6, null, 0, 76)],
    [
      'thoughts that nobody told of',
      { promptTokenCount: 6, candidatesTokenCount: 1, totalTokenCount: 83 },
      buckets(6, null, 1, 76),
    ],
    [
      'thoughts within the answer',
      { promptTokenCount: 6, candidatesTokenCount: 77, totalTokenCount: 83, thoughtsTokenCount: 76 },
      buckets(6, null, 1, 76),
    ],
    [
      'parts that exceed their whole',
      { promptTokenCount: 6, totalTokenCount: 10, cachedContentTokenCount: 99, thoughtsTokenCount: 99 },
      buckets(0, 6, 0, 4),
    ],
    ['no total', { promptTokenCount: 6, candidatesTokenCount: 1, thoughtsTokenCount: 2 }, buckets(6, null, 1, 2)],
    ['a prompt alone', { promptTokenCount: 6 }, buckets(6, null, null, null)],
    ['a total below its parts', { promptTokenCount: 6, totalTokenCount: 2 }, buckets(6, null, null, null)],
  ])('sorts %s', (_name, usage, expected) => {
    const result = readUsage(usage);
    expect(result).toEqual(expected);
    const sum = Object.values(result ?? {}).reduce((total: number, tokens) => total + (tokens ?? 0), 0);
    if ('totalTokenCount' in usage && usage.totalTokenCount > 2) expect(sum).toBe(usage.totalTokenCount);
  });

  it.each([null, undefined, 7, [], {}, { trafficType: 'ON_DEMAND' }, { totalTokenCount: 3 }, { promptTokenCount: -1 }])(
    'finds none in %j',
    (usage) => {
      expect(readUsage(usage)).toBeNull();
    },
  );
});
