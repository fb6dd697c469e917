import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ProviderKind } from '@taai/contracts';
import { startStage, type Replica, type Stage } from '../../../replica.testing';
import { startServer } from '../../../tool/http/http-server.testing';
import { Scene } from './run-proof.testing';

const MB = 1024 * 1024;
/** How much more may be held late in a flood than before it. Google's SDK alone keeps 16 MB, with its adapter's leave. */
const MOST_GROWTH = 24 * MB;
/** To collect garbage takes a while: it is done but so often. */
const SAMPLE_BYTES = 8 * MB;

let stage: Stage;
let replica: Replica;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
afterAll(() => stage.close());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use, not those that nobody has swept up yet. Buffers are swept in the background, until the next collection. */
function heldBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Flood {
  content_type: string;
  piece: string;
  first?: string;
  /** Bytes; then the provider hangs up. */
  most?: number;
}

/** A provider that sends the same piece until its client has enough. */
async function startFlood({ content_type, piece, first = ' ', most = 56 * MB }: Flood) {
  const seen = { sent: 0, held: [] as number[] };
  const server = await startServer((response) => {
    seen.held.push(heldBytes());
    const pump = (): void => {
      if (response.destroyed) return;
      if (seen.sent > most) return void response.destroy();
      if (seen.sent > seen.held.length * SAMPLE_BYTES) seen.held.push(heldBytes());
      seen.sent += piece.length;
      response.write(piece, pump);
    };
    response.writeHead(200, { 'content-type': content_type });
    response.write(first, pump);
  });
  return { ...server, seen };
}

/** Between the beginning and the second half; the least, since what is on its way comes and goes. Of short floods: all that was sent. */
function growthIn({ sent, held: [before = 0, ...later] }: { sent: number; held: number[] }): number {
  return later.length > 0 ? Math.min(...later.slice(later.length / 2)) - before : sent;
}

async function flooded(kind: ProviderKind, flood: Flood) {
  const server = await startFlood(flood);
  try {
    const base_url = kind === 'openai' ? `${server.url}/v1` : server.url;
    const scene = await Scene.open(stage, replica, { kind, base_url });
    const ended = await scene.run('Hello');
    return { ...ended, sent: server.seen.sent, growth: growthIn(server.seen) };
  } finally {
    await server.close();
  }
}

const padding = 'x'.repeat(64 * 1024);
const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const events = (piece: string, more: Partial<Flood> = {}): Flood => ({
  content_type: 'text/event-stream',
  piece,
  ...more,
});

/** What tells nothing, in each format. */
const silences: [ProviderKind, Flood][] = [
  ['openai', events(data({ choices: [{ index: 0, delta: {} }], padding }))],
  ['anthropic', events(`event: ping\n${data({ type: 'ping', padding })}`)],
  ['google', events(data({ candidates: [], padding }))],
  ['ollama', { content_type: 'application/x-ndjson', piece: `{"message":{},"done":false,"padding":"${padding}"}\n` }],
];

// Each moves up to a hundred megabytes: a machine that is slow takes its time.
jest.setTimeout(180_000);

describe('a run whose provider sends without end', () => {
  it.each([
    ...silences.map(([kind, flood]) => ['events that tell nothing', kind, flood] as const),
    ['comments', 'openai', events(`: ${padding}\n\n`)],
    ['comments', 'anthropic', events(`: ${padding}\n\n`)],
    ['comments', 'groq', events(`: ${padding}\n\n`)],
    ['one event', 'openai', events(padding, { first: 'data: {"padding":"' })],
    ['a document', 'openai', { content_type: 'application/json', piece: padding, first: '{"padding":"' }],
    ['a page', 'openai', { content_type: 'text/html', piece: padding, first: '<html>' }],
  ] as const)('%s, as %s, fails, and memory stays flat', async (_, kind, flood) => {
    const { run, rows, growth } = await flooded(kind, flood);
    expect(run).toMatchObject({ status: 'failed', error_code: 'unavailable', output: '' });
    expect(rows).toMatchObject([{ error_code: 'unavailable', output_tokens: 0, is_estimated: true }]);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('an answer in large wrappings fails with what fits, and memory stays flat', async () => {
    const piece = data({
      choices: [{ index: 0, delta: { content: 'and so on '.repeat(10) } }],
      padding: 'x'.repeat(15_000),
    });
    const { run, rows, sent, growth } = await flooded('openai', events(piece, { most: 100 * MB }));
    expect(run).toMatchObject({
      status: 'failed',
      error_code: 'output_too_long',
      output: 'and so on '.repeat(40_000),
    });
    expect(rows).toMatchObject([{ error_code: 'output_too_long', is_estimated: true }]);
    expect(sent).toBeGreaterThan(50 * MB);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('tool calls with names of a megabyte fails, and memory stays flat', async () => {
    const call = { function: { name: 'x'.repeat(MB), arguments: '{}' } };
    const piece = data({ choices: [{ index: 0, delta: { tool_calls: [call] } }] });
    const { run, rows, growth } = await flooded('openai', events(piece));
    expect(run).toMatchObject({ status: 'failed', error_code: 'output_too_long' });
    expect(rows).toMatchObject([{ error_code: 'output_too_long' }]);
    expect(growth).toBeLessThan(MOST_GROWTH);
  });
});
