import { ProblemError } from '@taai/contracts';
import type { ChatEvent } from '@taai/providers';
import { chunks } from './stream';

const head = { call_id: 'c', provider: 'main', model: 'gpt', provider_ms: 0 };
const asked = { request: { model: 'main/gpt', messages: [] }, stream: true, include_usage: false };

/** The delta of the chunk that an event becomes; nothing for an event that is not told. */
function deltaOf(json: string): unknown {
  const chunk = chunks.open(head, asked).event(json);
  return chunk === '' ? undefined : JSON.parse(chunk.slice('data: '.length)).choices[0].delta;
}

describe('chunks of a chat completion', () => {
  it.each<[ChatEvent, object | undefined]>([
    [{ type: 'text', text: 'a "quoted"\n } text \u2028' }, { content: 'a "quoted"\n } text \u2028' }],
    [{ type: 'text', text: '' }, { content: '' }],
    [{ type: 'reasoning', text: 'Hm.' }, { reasoning_content: 'Hm.' }],
    [
      { type: 'tool_call', index: 1, id: 'c1', name: 'time', opaque: 'signature' },
      {
        tool_calls: [
          { index: 1, id: 'c1~opaque~signature', type: 'function', function: { name: 'time', arguments: '' } },
        ],
      },
    ],
    [{ type: 'tool_arguments', index: 1, text: '{"a' }, { tool_calls: [{ index: 1, function: { arguments: '{"a' } }] }],
    [{ type: 'finish', stop_reason: 'stop', usage: null }, undefined],
  ])('%j', (event, delta) => {
    expect(deltaOf(JSON.stringify(event))).toEqual(delta);
  });

  it('does not depend on the order in which an event is written', () => {
    expect(deltaOf('{"text":"Hi","type":"text"}')).toEqual({ content: 'Hi' });
  });

  it('tells a failure without a head', () => {
    const told = chunks.fail(new ProblemError('replica_lost'));
    expect(JSON.parse(told.slice('data: '.length))).toMatchObject({ error: { code: 'replica_lost' } });
  });
});
