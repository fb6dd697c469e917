// Prints a fresh set of everything secret that a deployment needs, as NAME=value lines: for `.env` of docker compose and for
// `kubectl create secret generic task-assistant --from-env-file`.
import { databaseServices } from '../libs/contracts/src/contract.ts';
import { publicOf } from './fleet/environment.ts';
import { makeKeys } from './start/keys.ts';

const { context, signing, encryption, rpc, passwords } = makeKeys();

const lines = {
  POSTGRES_PASSWORD: passwords.superuser,
  MIGRATOR_DATABASE_PASSWORD: passwords.migrator,
  ...Object.fromEntries(databaseServices.map((name) => [`${name.toUpperCase()}_DATABASE_PASSWORD`, passwords[name]])),
  CONTEXT_JWKS: JSON.stringify({ keys: context.map(publicOf) }),
  ...Object.fromEntries(context.map((key) => [`${key.kid.toUpperCase()}_PRIVATE_JWK`, JSON.stringify(key)])),
  AUTH_PRIVATE_JWKS: JSON.stringify({ keys: [signing] }),
  ENCRYPTION_KEYS: encryption,
  RPC_KEYS: rpc,
};

for (const [name, value] of Object.entries(lines)) console.log(`${name}=${value}`);
