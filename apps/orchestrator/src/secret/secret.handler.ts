import { credentialSecretContract, type ReencryptSecrets } from '@taai/contracts';
import { Handles, SecretRotation } from '@taai/platform';

@Handles(credentialSecretContract)
export class SecretHandler {
  constructor(private readonly secrets: SecretRotation) {}

  reencrypt(input: ReencryptSecrets) {
    return this.secrets.reencrypt(input);
  }

  keys() {
    return this.secrets.keys();
  }
}
