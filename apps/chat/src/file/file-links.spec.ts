import { v7 } from 'uuid';
import { FileLinks } from './file-links';

const seconds = () => Math.floor(Date.now() / 1000);
const link = { tenant_id: v7(), file_id: v7(), expires: seconds() + 60 };
const links = new FileLinks(['newest', 'older']);

describe('a link to a file', () => {
  it('says what it was signed for', () => {
    const token = links.sign(link);
    expect(token).toMatch(/^[A-Za-z0-9_-]{94}$/);
    expect(links.read(token)).toEqual(link);
  });

  it('is believed by all who know its key, newest or not', () => {
    const token = new FileLinks(['older']).sign(link);
    expect(links.read(token)).toEqual(link);
    expect(new FileLinks(['other']).read(token)).toBeUndefined();
  });

  it('ends in its time', () => {
    expect(links.read(links.sign({ ...link, expires: seconds() - 1 }))).toBeUndefined();
  });

  it('with any byte changed, or cut, or longer, is none', () => {
    const bytes = Buffer.from(links.sign(link), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(links.read(changed.toString('base64url'))).toBeUndefined();
    }
    for (const token of ['', 'x', bytes.subarray(1).toString('base64url'), `${bytes.toString('base64url')}AAAA`])
      expect(links.read(token)).toBeUndefined();
  });
});
