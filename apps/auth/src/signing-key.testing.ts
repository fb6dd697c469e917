import type { Jwk } from '@taai/platform';
import { exportJWK, generateKeyPair } from 'jose';

/** A new private Ed25519 key. */
export async function newSigningKey(kid: string): Promise<Jwk> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid };
}
