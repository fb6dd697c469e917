import { Inject, Injectable } from '@nestjs/common';
import { keys, log, REDIS, type RedisClient } from '@taai/platform';
import type { Tx } from '@taai/entities';

/** Tells whoever follows a conversation that it has a new message. They ask for it: a word that is lost delays it, and loses nothing. */
@Injectable()
export class MessageWake {
  constructor(@Inject(REDIS) private readonly redis: RedisClient) {}

  /** Once the transaction has committed. */
  afterCommit(tx: Tx, conversation_id: string): void {
    tx.afterCommit(() => {
      const told = this.redis.publish(keys.conversationLive(conversation_id), '');
      told.catch((error: unknown) => log.debug({ err: error }, 'nobody was told of a message'));
    });
  }
}
