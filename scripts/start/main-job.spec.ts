import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { freePort } from '../lib/ports.ts';
import { Api } from './api.ts';
import { describeUsage, performMainJob } from './main-job.ts';

it('tells tokens and cost', () => {
  const usage = {
    input_tokens: 12,
    cache_read_tokens: 3,
    output_tokens: 30,
    reasoning_tokens: 0,
    cost_micro_usd: 1234,
  };
  expect(describeUsage(usage)).toBe('12 input, 3 cache read, 30 output; cost $0.001234');
  expect(describeUsage({ input_tokens: null, cost_micro_usd: null })).toBe('not told; cost unknown');
});

describe('the transcript', () => {
  let server: Server;
  afterEach(() => server.close());

  async function transcriptOf(...events: readonly [type: string, data: object][]): Promise<string> {
    server = createServer((_request, response) => {
      for (const [type, data] of events) response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      response.end();
    });
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    let transcript = '';
    await performMainJob(new Api(`http://127.0.0.1:${port}`), 'an-agent', (text) => (transcript += text));
    return transcript;
  }

  it('shows the answer as it came, its tokens and what they cost', async () => {
    const transcript = await transcriptOf(
      ['run.started', { run_id: 'r' }],
      ['token', { text: 'Good ' }],
      ['token', { text: 'day.' }],
      ['usage', { input_tokens: 5, output_tokens: 2, cost_micro_usd: 7 }],
      ['run.completed', { output: 'Good day.' }],
    );
    expect(transcript).toContain('Agent: Good day.\n\nTokens: 5 input, 2 output; cost $0.000007\n');
  });

  it('shows why a run failed', async () => {
    const failed = { code: 'provider_rejected', detail: 'The key is wrong.' };
    expect(await transcriptOf(['run.failed', failed])).toContain(
      'The run failed: provider_rejected: The key is wrong.',
    );
  });

  it('is an error when the stream ends before the run', async () => {
    await expect(transcriptOf(['token', { text: 'Good' }])).rejects.toThrow('ended before the run did');
  });
});
