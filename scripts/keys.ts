// Prints a fresh set of everything secret that a deployment needs, as NAME=value lines: for `.env` of docker compose and for
// `kubectl create secret generic task-assistant --from-env-file`. With `rotate`: the signing keys of the environment and a fresh one.
import { databaseServices } from '../libs/contracts/src/contract.ts';
import { publicOf } from './fleet/environment.ts';
import { describeError } from './lib/user-error.ts';
import { makeKeys } from './start/keys.ts';
import { parseSigningKeys, rotateSigningKeys, type SigningKey } from './start/signing-keys.ts';

const signingLine = (keys: readonly SigningKey[]) => ({ AUTH_PRIVATE_JWKS: JSON.stringify({ keys }) });

function rotatedLines() {
  const present = parseSigningKeys(process.env['AUTH_PRIVATE_JWKS']);
  return signingLine(rotateSigningKeys(present, Math.floor(Date.now() / 1000)));
}

function freshLines() {
  const { context, signing, encryption, rpc, passwords } = makeKeys();
  return {
    POSTGRES_PASSWORD: passwords.superuser,
    MIGRATOR_DATABASE_PASSWORD: passwords.migrator,
    ...Object.fromEntries(databaseServices.map((name) => [`${name.toUpperCase()}_DATABASE_PASSWORD`, passwords[name]])),
    CONTEXT_JWKS: JSON.stringify({ keys: context.map(publicOf) }),
    ...Object.fromEntries(context.map((key) => [`${key.kid.toUpperCase()}_PRIVATE_JWK`, JSON.stringify(key)])),
    ...signingLine([signing]),
    ENCRYPTION_KEYS: encryption,
    RPC_KEYS: rpc,
  };
}

try {
  const lines = process.argv[2] === 'rotate' ? rotatedLines() : freshLines();
  for (const [name, value] of Object.entries(lines)) console.log(`${name}=${value}`);
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
