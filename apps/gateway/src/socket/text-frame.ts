const FINAL_TEXT = 0x81;
/** Lengths up to this one stand in the header's second byte; that byte says where longer ones stand. */
const SHORT = 125;
const IN_TWO_BYTES = 126;
const IN_EIGHT_BYTES = 127;

/** A message as a WebSocket's frame (RFC 6455, 5.2), unmasked as servers send it: in one piece, so that it is one write. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = headerOf(length);
  const frame = Buffer.allocUnsafe(header.length + length);
  header.copy(frame);
  frame.write(text, header.length);
  return frame;
}

function headerOf(length: number): Buffer {
  if (length <= SHORT) return Buffer.from([FINAL_TEXT, length]);
  if (length <= 0xffff) {
    const header = Buffer.from([FINAL_TEXT, IN_TWO_BYTES, 0, 0]);
    header.writeUInt16BE(length, 2);
    return header;
  }
  const header = Buffer.alloc(10);
  header.set([FINAL_TEXT, IN_EIGHT_BYTES]);
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
