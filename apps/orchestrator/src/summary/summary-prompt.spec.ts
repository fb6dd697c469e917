import { limits, type ChatMessage } from '@taai/contracts';
import { summaryPrompt } from './summary-prompt';

const said = (content: string): ChatMessage => ({ role: 'user', content });

it('asks for what was said, behind what is told already', () => {
  const messages: ChatMessage[] = [said('My cat is called Nero.'), { role: 'assistant', content: 'A fine name.' }];
  const asked = 'Messages since:\nUser: My cat is called Nero.\nAssistant: A fine name.';
  expect(summaryPrompt({ previous: null, messages }, 10_000)[1]).toEqual({ role: 'user', content: asked });
  expect(summaryPrompt({ previous: 'She has a cat.', messages }, 10_000)[1]).toEqual({
    role: 'user',
    content: `Summary so far:\nShe has a cat.\n\n${asked}`,
  });
});

it.each([
  ['a large model', 200_000, 4000],
  ['a small one', 4000, 400],
  ['one without any room', -1000, 1],
])('shows %s the beginnings of long messages', (_, room, characters) => {
  const messages = Array.from({ length: limits.summarizedMessages }, () => said('x'.repeat(100_000)));
  const [, asked] = summaryPrompt({ previous: null, messages }, room);
  const line = `User: ${'x'.repeat(characters)} …`;
  expect(asked?.content).toBe(`Messages since:\n${Array.from({ length: 20 }, () => line).join('\n')}`);
});

it('halves no character', () => {
  const [, asked] = summaryPrompt({ previous: null, messages: [said(`x${'😀'.repeat(4000)}`)] }, 200_000);
  expect(JSON.stringify(asked)).not.toContain('\\ud');
});
