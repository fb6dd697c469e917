import {
  AbstractChat,
  DefaultChatTransport,
  type ChatInit,
  type ChatState,
  type HttpChatTransportInitOptions,
  type UIMessage,
} from 'ai';

/** What `useChat` keeps in React. */
class PlainState implements ChatState<UIMessage> {
  status: ChatState<UIMessage>['status'] = 'ready';
  error: Error | undefined = undefined;
  messages: UIMessage[] = [];

  pushMessage = (message: UIMessage) => void (this.messages = [...this.messages, message]);
  popMessage = () => void (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index: number, message: UIMessage) => void (this.messages = this.messages.with(index, message));
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

/** The chat behind `useChat`, without React. */
export class UiChat extends AbstractChat<UIMessage> {
  constructor(
    options: HttpChatTransportInitOptions<UIMessage>,
    more: Pick<ChatInit<UIMessage>, 'sendAutomaticallyWhen'> = {},
  ) {
    super({ transport: new DefaultChatTransport(options), state: new PlainState(), ...more });
  }

  /** Of the last message, its parts of one kind joined. */
  told(kind: 'text' | 'reasoning'): string {
    return (this.lastMessage?.parts ?? []).flatMap((part) => (part.type === kind ? [part.text] : [])).join('');
  }
}

/** A fetch whose first answer breaks off behind as many frames with a text, as a lost connection does; and the id of the last one. */
export function brittleFetch(frames: number) {
  const seen = { lastId: '', breaks: 0 };
  const cut = (): TransformStream<Uint8Array, Uint8Array> => {
    const decoder = new TextDecoder();
    let [rest, texts] = ['', 0];
    return new TransformStream({
      transform(chunk, controller) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          if (texts === frames) return;
          controller.enqueue(new TextEncoder().encode(`${block}\n\n`));
          seen.lastId = /^id: (\d+)/m.exec(block)?.[1] ?? seen.lastId;
          if (block.includes('-delta"') && ++texts === frames) controller.error(new TypeError('network error'));
        }
      },
    });
  };
  const brittle: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (seen.breaks++ > 0 || !response.body) return response;
    return new Response(response.body.pipeThrough(cut()), response);
  };
  return { seen, fetch: brittle };
}
