import { limits } from '@taai/contracts';
import { Decoder, Encoder, PacketType } from 'socket.io-parser';
import { assertModest } from '../http/json-size';

/** Attempts to log in on one connection: a client that was refused may come again with another token. */
const MAX_CONNECTS = 5;

const binary = new Set([PacketType.BINARY_EVENT, PacketType.BINARY_ACK].map(String));

/** Reads packets of modest JSON alone. What it throws for ends the connection. */
class ModestDecoder extends Decoder {
  private connects = 0;

  override add(packet: unknown): void {
    if (typeof packet !== 'string') throw new Error('Binary packets are not taken.');
    const type = packet.charAt(0);
    if (binary.has(type)) throw new Error('Binary packets are not taken.');
    // Beside the limit of events, as many as a client likes to send.
    if (type === String(PacketType.ACK)) throw new Error('The server asks for no acknowledgement.');
    if (type === String(PacketType.CONNECT) && (this.connects += 1) > MAX_CONNECTS)
      throw new Error('The connection has asked to be let in too often.');
    assertModest(packet, limits.bodyValues);
    super.add(packet);
  }
}

/** Socket.IO's own format, without binary attachments. */
export const textParser = { Encoder, Decoder: ModestDecoder };
