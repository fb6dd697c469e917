import { type ReencryptSecrets, webhookSecretContract } from '@taai/contracts';
import { Handles, SecretRotation } from '@taai/platform';

@Handles(webhookSecretContract)
export class SecretHandler {
  constructor(private readonly secrets: SecretRotation) {}

  reencrypt(input: ReencryptSecrets) {
    return this.secrets.reencrypt(input);
  }

  keys() {
    return this.secrets.keys();
  }
}
