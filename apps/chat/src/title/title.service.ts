import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { log } from '@taai/platform';
import { DataSource } from 'typeorm';
import { asChat } from '../as-chat';
import { MessageWake } from '../message/message-wake';
import { TITLES, type Titles } from '../orchestrator';
import { TitleRepository } from './title.repository';

/** After so many answers a conversation that has no title stays without: a model that finds none must not be asked for ever. */
const FIRST_ANSWERS = 3;
/** Of each message that the title is found by. */
const CHARACTERS = 2000;
/** Conversations at once; the others get theirs after the next answer. */
const MAX_AT_WORK = 100;
/** For titles that are on their way when the process ends. */
const DRAIN_MS = 5000;

/** Gives conversations titles, after their first answers and behind everybody's back: nothing waits for it, nothing fails by it. */
@Injectable()
export class TitleService implements BeforeApplicationShutdown {
  private readonly atWork = new Set<Promise<void>>();

  constructor(
    private readonly db: DataSource,
    private readonly titles: TitleRepository,
    private readonly wake: MessageWake,
    @Inject(TITLES) private readonly models: Titles,
  ) {}

  /** There is an answer in the conversation, of the caller's tenant. Told once of each, it asks once. */
  answered(conversation_id: string): void {
    if (this.atWork.size >= MAX_AT_WORK) return;
    const work = asChat(() => this.entitle(conversation_id))
      .catch((error: unknown) => log.info({ err: error, conversation_id }, 'a conversation got no title'))
      .finally(() => this.atWork.delete(work));
    this.atWork.add(work);
  }

  async beforeApplicationShutdown(): Promise<void> {
    const patience = new AbortController();
    const late = delay(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.atWork), late]);
    patience.abort();
  }

  private async entitle(conversation_id: string): Promise<void> {
    const claimed = await this.titles.claim(conversation_id, FIRST_ANSWERS);
    if (!claimed) return;
    try {
      const title = await this.find(conversation_id, claimed);
      if (title !== null) return await this.give(conversation_id, title);
    } catch (error) {
      await this.titles.release(conversation_id);
      throw error;
    }
    await this.titles.release(conversation_id);
  }

  private async find(
    conversation_id: string,
    { agent_id, user_id }: { agent_id: string; user_id: string | null },
  ): Promise<string | null> {
    const { question, answer } = await this.titles.opening(conversation_id, CHARACTERS);
    if (question === null || !answer) return null;
    return (await this.models.suggest({ agent_id, conversation_id, user_id, question, answer })).title;
  }

  private async give(conversation_id: string, title: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      if (await this.titles.set(tx, conversation_id, title)) this.wake.afterCommit(tx, conversation_id);
    });
  }
}
