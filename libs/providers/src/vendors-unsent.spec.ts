import { Agent } from 'undici';
import { leanFetch } from './http/lean-fetch';
import { KEY, vendor } from './recorded.testing';
import { createProvider } from './registry';
import { vendors } from './vendors.testing';
import { ask, drain } from './wire.testing';

const limits = { timeout_ms: 10_000 };

/** What a call fails with on a way where `connect` is all that happens. */
const failureBy = async (kind: string, connect: () => void, signal: AbortSignal) => {
  const fetch = leanFetch({ dispatcher: new Agent({ connect }) });
  const provider = createProvider(kind, { api_key: KEY, base_url: 'http://provider.example', fetch });
  return (await drain(provider.stream(ask('x'), { ...limits, signal }))).error;
};

describe.each(vendors)('a call of $kind', ({ kind }) => {
  it('that is cut before there is a connection was not sent', async () => {
    const control = new AbortController();
    const failure = await failureBy(kind, () => control.abort(), control.signal);
    expect(failure).toMatchObject({ code: 'aborted', was_sent: false });
  });

  it('that is cut before it begins opens no connection', async () => {
    const connect = jest.fn();
    const failure = await failureBy(kind, connect, AbortSignal.abort());
    expect(failure).toMatchObject({ code: 'aborted', was_sent: false });
    expect(connect).not.toHaveBeenCalled();
  });

  it('that finds nobody was not sent', async () => {
    const provider = createProvider(kind, { api_key: KEY, base_url: 'http://127.0.0.1:1' });
    const { error } = await drain(provider.stream(ask('x'), limits));
    expect(error).toMatchObject({ code: 'unavailable', was_sent: false });
  });

  it('that is cut while the provider thinks was sent', async () => {
    const { provider, arrived, close } = await vendor(kind, () => undefined);
    const control = new AbortController();
    const cut = drain(provider.stream(ask('x'), { ...limits, signal: control.signal }));
    await arrived;
    control.abort();
    expect((await cut).error).toMatchObject({ code: 'aborted', was_sent: true });
    await close();
  });
});

test.each(['groq', 'ollama'])('%s is sent no PDF: it would take none', async (kind) => {
  const connect = jest.fn();
  const fetch = leanFetch({ dispatcher: new Agent({ connect }) });
  const provider = createProvider(kind, { api_key: KEY, base_url: 'http://provider.example', fetch });
  const file = { type: 'file', filename: 'a.pdf', media_type: 'application/pdf', data: 'JVBERg==' } as const;
  const read = async () =>
    drain(provider.stream({ model: 'm', messages: [{ role: 'user', content: [file] }] }, limits));
  const failure = await read().then(
    ({ error }) => error,
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: 'invalid_request', message: 'The provider takes no PDFs.', was_sent: false });
  expect(connect).not.toHaveBeenCalled();
});
