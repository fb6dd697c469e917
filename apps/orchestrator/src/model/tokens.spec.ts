import { countEach, countTokens, roughTokens, tokenizers } from './tokens';

afterAll(() => tokenizers.stop());

it('counts each text by itself, and the same all together', async () => {
  const texts = ['Hello, world.', '', 'Wie geht es dir?', 'x'];
  const counts = await countEach('openai', texts);
  expect(counts).toEqual([4, 0, 5, 1]);
  expect(await countTokens('openai', texts)).toBe(10);
});

it('extrapolates long texts, short ones among them by what is usual', async () => {
  const long = 'A sentence of seven short words follows. '.repeat(5000);
  const [one = 0, ...short] = await countEach('openai', [long, ...Array.from({ length: 100 }, () => 'Yes, it is.')]);
  const [whole = 0] = await countEach('openai', [long.slice(0, 41_000)]);
  expect(Math.abs(one - whole * 5)).toBeLessThan(whole * 0.05);
  expect(Math.max(...short)).toBeLessThan(11);
  expect(Math.min(...short)).toBeGreaterThan(0);
});

/** What takes the thread too long is guessed. */
it.each(['openai', 'anthropic', 'groq'] as const)('counts hostile texts for %s in time', async (kind) => {
  const texts = ['x'.repeat(1_000_000), '漢'.repeat(300_000), '\u{1F600}'.repeat(100_000), ' '.repeat(200_000)];
  const counts = await countEach(kind, texts);
  expect(counts).not.toEqual(texts.map(({ length }) => roughTokens(length)));
});
