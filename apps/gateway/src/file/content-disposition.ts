/** Characters that RFC 5987 wants escaped, and `encodeURIComponent` leaves. */
const UNESCAPED = /['()*]/g;

const escaped = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** The header by which a browser keeps what it is sent instead of showing it; old ones see the ASCII of the name. */
export function attachmentNamed(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(filename).replace(UNESCAPED, escaped)}`;
}
