import { Injectable } from '@nestjs/common';
import type { Completion, CompletionCall, CompletionEnd, CompletionPiece, EmbeddingCall, EmbeddingPiece } from '@taai/contracts';
import { LedgerStream } from '@taai/platform';
import type { ChatEvent } from '@taai/providers';
import { CompletionBook } from './completion-book';
import { AGENT, CompletionOrders } from './completion-order';
import { callOf, pieceOf } from './completion-pieces';
import type { EmbeddingReply } from './embedding-call';
import type { ModelReply } from './model-call';
import { ModelCaller } from './model-caller';
import { Pipe } from './pipe';
import { PriceBook } from './price-book';
import { problemOf } from './provider-problem';
import { ProviderDirectory } from './provider-directory';
import { accountFor } from './usage-estimate';

type ChatBook = CompletionBook<ModelReply>;
type Take = (event: ChatEvent, book: ChatBook) => void | Promise<void>;

/** An answer, or what there is of one, that is accounted for. */
interface Asked {
  book: ChatBook;
  reply: ModelReply;
  end: CompletionEnd;
}

/** Has models answer whoever comes through the door. A call ends when its caller leaves. */
@Injectable()
export class CompletionService {
  constructor(
    private readonly orders: CompletionOrders,
    private readonly providers: ProviderDirectory,
    private readonly models: ModelCaller,
    private readonly ledger: LedgerStream,
    private readonly prices: PriceBook,
  ) {}

}
