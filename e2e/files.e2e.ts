import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { limits } from '@taai/contracts';
import { HttpAgent } from '@ag-ui/client';
import { pdf, png } from '@taai/files-testing';
import { startHttpsServer, type HttpsServer } from '@taai/platform-testing';
import { decodeJwt } from 'jose';
import { adminCommand } from './support/admin';
import type { Client, RequestOptions } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { formOf, upload } from './support/files';
import { sandboxCall } from './support/sandbox';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, newTenantOn, type TestTenant } from './support/tenant';
import { UiChat } from './support/ui-chat';

const { anonymous, adminDatabaseUrl, adminEnv, filesDir, gateways, sandboxUrl } = sharedFleet();

const image = png(640, 480);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const idOf = ({ token = '' }: Client) => decodeJwt(token).sub ?? '';

/** Files of the tenant that are kept, those on their way included. */
async function kept({ tenant_id }: TestTenant): Promise<string[]> {
  const entries = await readdir(filesDir, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`);
  return paths.filter((path) => path.includes(tenant_id));
}

describe('files', () => {
  let tenant: TestTenant;
  let agent: string;
  let [owner, friend, stranger] = [anonymous, anonymous, anonymous];

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    agent = await newAgent(tenant, sandboxUrl);
    owner = await colleague(tenant, 'member');
    friend = await colleague(tenant, 'viewer');
    stranger = await colleague(tenant, 'member');
  });

  const converse = async () => (await owner.post('/v1/conversations', { agent_id: agent })).body['id'] as string;
  const send = (conversation: string, content: string, ...ids: string[]) =>
    owner.post(`/v1/conversations/${conversation}/messages`, {
      content,
      attachments: ids.map((file_id) => ({ file_id })),
    });

  it('are uploaded, listed, read at any gateway, and deleted', async () => {
    const form = formOf(image, 'Katze 🐈.png', { purpose: 'vision' });
    const { status, body } = await owner.post('/v1/files', form);
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        id: expect.any(String),
        object: 'file',
        bytes: image.length,
        created_at: expect.any(String),
        filename: 'Katze 🐈.png',
        purpose: 'vision',
        content_type: 'image/png',
        user_id: idOf(owner),
      },
    });
    const path = `/v1/files/${body.id}`;
    const elsewhere = owner.at(gateways[1]);
    expect((await elsewhere.get(path)).body).toEqual(body);
    expect((await elsewhere.get('/v1/files')).body['data']).toEqual([body]);
    const content = await elsewhere.fetch('GET', `${path}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(image)).toBe(true);
    expect(content.headers.get('content-type')).toBe('image/png');
    expect(content.headers.get('content-disposition')).toMatch(
      /^attachment; filename="Katze __.png"; filename\*=UTF-8''/,
    );
    expect(content.headers.get('x-content-type-options')).toBe('nosniff');
    const url = (await owner.post(`${path}/url`, { expires_in: 60 })).body['url'] as string;
    const shared = await anonymous.fetch('GET', url);
    expect([shared.status, Buffer.from(await shared.arrayBuffer()).equals(image)]).toEqual([200, true]);
    expect((await anonymous.get(url.replace(/.{10}$/, '0123456789'))).status).toBe(404);
    expect((await owner.delete(path)).status).toBe(204);
    expect((await anonymous.get(url)).status).toBe(404);
    expect([(await owner.get(path)).status, (await owner.get(`${path}/content`)).status]).toEqual([404, 404]);
    expect((await kept(tenant)).filter((one) => one.includes(body.id as string))).toEqual([]);
  });

  it('go with messages to the model, in this turn and the next, and to who sees the conversation', async () => {
    const file = (await upload(owner, image, 'cat.png')).body;
    const notes = (await upload(owner, 'The answer is forty-two.', 'notes.txt')).body;
    const conversation = await converse();
    const mark = randomUUID();
    const { body } = await send(conversation, `Look ${mark}`, file.id, notes.id);
    expect(body).toMatchObject({
      message: {
        attachments: [{ file_id: file.id, filename: 'cat.png', content_type: 'image/png' }, { file_id: notes.id }],
      },
      reply: { role: 'assistant', attachments: [] },
    });
    const medium = { media_type: 'image/png', bytes: image.length, sha256: sha256(image) };
    const asked = (await sandboxCall(sandboxUrl, mark)).messages.at(-1);
    expect(asked?.media).toEqual([medium]);
    expect(asked?.content).toContain('The answer is forty-two.');
    expect((await owner.get(`/v1/runs/${body.run_id}`)).body).toMatchObject({
      status: 'completed',
      input: `Look ${mark}`,
    });

    const next = randomUUID();
    await send(conversation, `And now ${next}`);
    expect((await sandboxCall(sandboxUrl, next)).messages.flatMap(({ media = [] }) => media)).toEqual([medium]);

    const path = `/v1/files/${file.id}`;
    expect((await friend.get(path)).status).toBe(404);
    await owner.post(`/v1/conversations/${conversation}/participants`, { user_id: idOf(friend), role: 'reader' });
    expect([(await friend.get(path)).status, (await friend.fetch('GET', `${path}/content`)).status]).toEqual([
      200, 200,
    ]);
    expect((await stranger.get(path)).status).toBe(404);
    await owner.delete(`/v1/conversations/${conversation}/participants/${idOf(friend)}`);
    expect((await friend.get(path)).status).toBe(404);

    await owner.delete(path);
    const after = randomUUID();
    expect((await send(conversation, `And then ${after}`)).body['reply']).toMatchObject({ role: 'assistant' });
    const shown = (await sandboxCall(sandboxUrl, after)).messages;
    expect(shown.flatMap(({ media = [] }) => media)).toEqual([]);
    expect(JSON.stringify(shown)).toContain('is not there any more');
  });

  it('go with runs that are no conversation', async () => {
    const file = (await upload(tenant.client, pdf, 'report.pdf')).body['id'] as string;
    const mark = randomUUID();
    const attachments = [{ file_id: file }];
    const run = await tenant.client.post(`/v1/agents/${agent}/runs`, { input: `Read ${mark}`, attachments });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed' } });
    const medium = { media_type: 'application/pdf', bytes: pdf.length, sha256: sha256(pdf) };
    expect((await sandboxCall(sandboxUrl, mark)).messages.at(-1)?.media).toEqual([medium]);
  });

  describe('come along with messages', () => {
    let server: HttpsServer;
    let fetched: number;

    beforeAll(async () => {
      server = await startHttpsServer((request, response) => {
        fetched += 1;
        if (request.url === '/report.pdf') response.end(pdf);
        else if (request.url === '/bomb.png') response.end(png(23_000, 23_000));
        else response.writeHead(404).end();
      });
    });
    afterAll(() => server.close());
    beforeEach(() => (fetched = 0));

    const dataUrl = (bytes: Buffer, type = 'image/png') => `data:${type};base64,${bytes.toString('base64')}`;
    const post = (conversation: string, body: object, more: RequestOptions = {}) =>
      owner.post(`/v1/conversations/${conversation}/messages`, body, more);
    const mediaOf = async (mark: string) =>
      (await sandboxCall(sandboxUrl, mark)).messages.flatMap(({ media = [] }) => media).map(({ sha256: hash }) => hash);

    it('as a data URL and by a link, once, and are files from then on', async () => {
      const conversation = await converse();
      const [first, next, key] = [randomUUID(), randomUUID(), randomUUID()];
      const attachments = [{ url: dataUrl(image), filename: 'cat.png' }, { url: `${server.url}/report.pdf` }];
      const send = () =>
        post(conversation, { content: `Look ${first}`, attachments }, { headers: { 'idempotency-key': key } });
      const { status, body } = await send();
      expect({ status, body }).toMatchObject({
        status: 201,
        body: { message: { attachments: [{ filename: 'cat.png' }, { filename: 'report.pdf', bytes: pdf.length }] } },
      });
      expect((await send()).body).toEqual(body);
      expect(fetched).toBe(1);
      await post(conversation, { content: `And now ${next}` });
      for (const mark of [first, next]) expect(await mediaOf(mark)).toEqual([sha256(image), sha256(pdf)]);
      const message = body['message'] as { attachments: { file_id: string }[] };
      for (const { file_id } of message.attachments) {
        expect(await owner.get(`/v1/files/${file_id}`)).toMatchObject({ status: 200, body: { user_id: idOf(owner) } });
        expect((await stranger.get(`/v1/files/${file_id}`)).status).toBe(404);
      }
    });

    it("as OpenAI's content parts, and as parts of the AI SDK and of AG-UI", async () => {
      const conversation = await converse();
      const say = (mark: string) => ({ type: 'text', text: `Look ${mark}` });
      const [openai, sdk, agUi] = [randomUUID(), randomUUID(), randomUUID()];
      const file = { type: 'file', file: { file_data: dataUrl(pdf, 'application/pdf'), filename: 'report.pdf' } };
      await post(conversation, {
        content: [say(openai), { type: 'image_url', image_url: { url: dataUrl(image) } }, file],
      });
      expect(await mediaOf(openai)).toEqual([sha256(image), sha256(pdf)]);

      const other = await converse();
      const headers = { authorization: `Bearer ${owner.token}` };
      const at = (id: string, format: string) => `${gateways[1]}/v1/conversations/${id}/messages?format=${format}`;
      const files = [{ type: 'file' as const, mediaType: 'image/png', filename: 'cat.png', url: dataUrl(image) }];
      await new UiChat({ api: at(other, 'ai-sdk'), headers }).sendMessage({ text: `Look ${sdk}`, files });
      expect(await mediaOf(sdk)).toEqual([sha256(image)]);

      const client = new HttpAgent({ url: at(await converse(), 'ag-ui'), headers });
      const source = { type: 'data' as const, value: image.toString('base64'), mimeType: 'image/png' };
      client.addMessage({
        id: 'm',
        role: 'user',
        content: [
          { type: 'text', text: `Look ${agUi}` },
          { type: 'image', source },
        ],
      });
      await client.runAgent();
      expect(await mediaOf(agUi)).toEqual([sha256(image)]);
    });

    it('of 20 MB as a data URL', async () => {
      const text = Buffer.alloc(limits.fileBytes, 'x');
      const { status, body } = await post(await converse(), {
        content: 'Keep it',
        attachments: [{ url: dataUrl(text, 'text/plain') }],
      });
      const message = body['message'] as { attachments: { file_id: string }[] };
      expect({ status, message }).toMatchObject({
        status: 201,
        message: { attachments: [{ bytes: limits.fileBytes }] },
      });
      const content = await owner.fetch('GET', `/v1/files/${message.attachments[0]?.file_id}/content`);
      expect(sha256(Buffer.from(await content.arrayBuffer()))).toBe(sha256(text));
    });

    it.each<[string, number, string, () => string]>([
      [
        'an executable that is called a PDF',
        415,
        'unsupported_media_type',
        () => dataUrl(Buffer.from('MZ\x90\0', 'latin1'), 'application/pdf'),
      ],
      ['a PNG that unpacks to 2 GB', 400, 'validation_failed', () => dataUrl(png(23_000, 23_000))],
      ['a link to a PNG that unpacks to 2 GB', 400, 'validation_failed', () => `${server.url}/bomb.png`],
      ['a link to nothing', 422, 'attachment_unreachable', () => `${server.url}/nothing`],
      ['a link to the network inside', 422, 'url_not_allowed', () => 'https://10.0.0.1/'],
      ['a link of http', 400, 'validation_failed', () => 'http://127.0.0.1/'],
    ])('but not as %s, and leave nothing', async (_, status, code, url) => {
      const conversation = await converse();
      const before = await kept(tenant);
      const attachments = [{ url: dataUrl(image) }, { url: url() }];
      expect(await post(conversation, { content: 'Look', attachments })).toMatchObject({ status, body: { code } });
      await eventually(async () => expect(await kept(tenant)).toEqual(before));
      expect((await owner.get(`/v1/conversations/${conversation}/messages`)).body['data']).toEqual([]);
    });

    it('into no conversation that their sender may not write in', async () => {
      const before = await kept(tenant);
      const body = { content: 'Look', attachments: [{ url: dataUrl(image) }, { url: `${server.url}/report.pdf` }] };
      const path = `/v1/conversations/${await converse()}/messages`;
      expect(await stranger.post(path, body)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect([fetched, await kept(tenant)]).toEqual([0, before]);
    });
  });

  it('that one may not read can be attached nowhere', async () => {
    const foreign = (await upload(stranger, image, 'cat.png')).body['id'] as string;
    const elsewhere = (await upload((await newTenant(anonymous)).client, image, 'cat.png')).body['id'] as string;
    const conversation = await converse();
    for (const id of [foreign, elsewhere, randomUUID()]) {
      expect(await send(conversation, 'Look', id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      const run = { input: 'Look', attachments: [{ file_id: id }] };
      expect((await owner.post(`/v1/agents/${agent}/runs`, run)).status).toBe(404);
    }
    const many = Array.from({ length: 1000 }, () => randomUUID());
    expect(await send(conversation, 'Look', ...many)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'attachments' }] },
    });
    expect((await owner.get(`/v1/conversations/${conversation}/messages`)).body['data']).toEqual([]);
  });

  it.each<[string, number, string, Buffer]>([
    ['an executable that is called a PDF', 415, 'unsupported_media_type', Buffer.from('MZ\x90\0\x03\0\0', 'latin1')],
    ['a PNG of 45 bytes that unpacks to 2 GB', 400, 'validation_failed', png(23_000, 23_000)],
    ['a file of more than 20 MB', 413, 'payload_too_large', Buffer.alloc(limits.fileBytes + 1, '%PDF-1.7 ')],
  ])('are not %s', async (_, status, code, bytes) => {
    const before = await kept(tenant);
    expect(await upload(owner, bytes, 'invoice.pdf')).toMatchObject({ status, body: { code } });
    expect(await kept(tenant)).toEqual(before);
  });

  it('of a client that leaves in the middle leave nothing', async () => {
    const before = await kept(tenant);
    const { hostname, port } = new URL(gateways[0]);
    const socket = connect(Number(port), hostname);
    const head = `POST /v1/files HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${owner.token}\r\n`;
    const type = 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2000000\r\n\r\n';
    const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="half.txt"\r\n\r\n';
    socket.write(head + type + part + 'x'.repeat(500_000));
    const rows = () =>
      asSuperuser<{ id: string }>(
        adminDatabaseUrl,
        `select id from files where tenant_id = $1 and status = 'uploading'`,
        [tenant.tenant_id],
      );
    await eventually(async () => {
      expect(await kept(tenant)).toHaveLength(before.length + 1);
      expect(await rows()).toHaveLength(1);
    });
    socket.destroy();
    await eventually(async () => {
      expect(await kept(tenant)).toEqual(before);
      expect(await rows()).toEqual([]);
    });
  });
});

describe("a tenant's files", () => {
  it('are no more than its plan allows', async () => {
    const tenant = await newTenantOn('free', anonymous);
    await adminCommand(adminEnv, 'tenant', 'limits', tenant.tenant_id, '{"stored_file_bytes":1000}');
    expect((await upload(tenant.client, 'x'.repeat(600), 'a.txt')).status).toBe(201);
    const agent_id = await newAgent(tenant, sandboxUrl);
    const conversation = (await tenant.client.post('/v1/conversations', { agent_id })).body['id'] as string;
    const url = `data:text/plain;base64,${btoa('x'.repeat(600))}`;
    const message = { content: 'Look', attachments: [{ url }] };
    expect(await tenant.client.post(`/v1/conversations/${conversation}/messages`, message)).toMatchObject({
      status: 413,
      body: { code: 'storage_full' },
    });
    expect(await upload(tenant.client, 'x'.repeat(600), 'b.txt')).toMatchObject({
      status: 413,
      body: { code: 'storage_full' },
    });
    expect(await kept(tenant)).toHaveLength(1);
  });

  it('go with it', async () => {
    const tenant = await newTenant(anonymous);
    await upload(tenant.client, image, 'cat.png');
    expect(await kept(tenant)).toHaveLength(1);
    await tenant.client.delete('/v1/tenant');
    await asSuperuser(adminDatabaseUrl, 'update tenants set delete_at = now() where id = $1', [tenant.tenant_id]);
    await eventually(async () => {
      expect(await kept(tenant)).toEqual([]);
      expect(await asSuperuser(adminDatabaseUrl, 'select from tenants where id = $1', [tenant.tenant_id])).toEqual([]);
    }, 40);
  });
});
