import { Inject, Injectable } from '@nestjs/common';
import { limits, type FilePlace } from '@taai/contracts';
import { FILE_STORE, keyOfUpload, type FileStore } from '@taai/files';
import { ProviderError, type ChatMessage, type ContentPart } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { untilAvailable } from '../patience';
import { FileMemory } from './file-memory';
import { FILES, type Files } from './files';
import { filesOf, type RunMessage, type StoredFilePart } from './stored-file';

/** Of files that a replica holds at once. In requests they are some four times as long: as base64, as JSON, and on their way. */
const MEMORY_BYTES = 64 * 1024 * 1024;

/** Why a model is not shown a file: it was deleted, there is no room for it, or a later message has it too. */
const absent = {
  gone: 'is not there any more',
  room: 'is left out: newer files take all the room there is',
  again: 'is shown further down',
} as const;

type Place = FilePlace | keyof typeof absent;

/** What becomes of the files of messages. */
type Places = ReadonlyMap<StoredFilePart, Place>;

/** Reads the files of messages for as long as a model is asked about them. */
@Injectable()
export class FileLoader {
  private readonly memory = new FileMemory(MEMORY_BYTES);

  constructor(
    @Inject(FILES) private readonly files: Files,
    @Inject(FILE_STORE) private readonly store: FileStore,
  ) {}

  /**
   * Does the work with the messages as models are shown them: images and PDFs as such, texts as text; of many files the newest, as many
   * as fit.
   *
   * @throws what the work throws, ProviderError `aborted`, and `service_unavailable` when chat or the store stays away
   */
  async load<T>(
    messages: readonly RunMessage[],
    signal: AbortSignal,
    work: (messages: ChatMessage[]) => Promise<T>,
  ): Promise<T> {
    let give: (() => void) | undefined;
    try {
      const places = await this.placesOf(messages, signal);
      const bytes = [...places.values()].reduce((sum, place) => sum + (typeof place === 'string' ? 0 : place.bytes), 0);
      if (bytes > 0) give = await this.memory.take(currentCaller().tenant_id, bytes, signal);
      return await work(await this.shown(messages, places, signal));
    } catch (error) {
      // The signal's own reason says nothing.
      if (signal.aborted && error === signal.reason) throw new ProviderError('aborted', 'The run was stopped.');
      throw error;
    } finally {
      give?.();
    }
  }

  private async placesOf(messages: readonly RunMessage[], signal: AbortSignal): Promise<Places> {
    const newest = messages.toReversed().flatMap((message) => filesOf(message).reverse());
    const file_ids = [...new Set(newest.map(({ file_id }) => file_id))].slice(0, limits.fileIds);
    if (file_ids.length === 0) return new Map();
    const { data } = await untilAvailable(() => this.files.locate({ file_ids }), signal);
    const found = new Map(data.map((place) => [place.file_id, place]));
    const seen = new Set<string>();
    let room = limits.modelFileBytes;
    return new Map(
      newest.map((part): [StoredFilePart, Place] => {
        const place = found.get(part.file_id);
        if (!place) return [part, 'gone'];
        if (seen.size === seen.add(part.file_id).size) return [part, 'again'];
        room -= place.bytes;
        return [part, room >= 0 ? place : 'room'];
      }),
    );
  }

  private async shown(messages: readonly RunMessage[], places: Places, signal: AbortSignal): Promise<ChatMessage[]> {
    const shown: ChatMessage[] = [];
    for (const message of messages) {
      if (message.role !== 'user') shown.push(message);
      else if (typeof message.content === 'string') shown.push({ role: 'user', content: message.content });
      else {
        const content: ContentPart[] = [];
        for (const part of message.content)
          content.push(part.type === 'stored_file' ? await this.part(part, places.get(part) ?? 'gone', signal) : part);
        shown.push({ role: 'user', content });
      }
    }
    return shown;
  }

  private async part(file: StoredFilePart, place: Place, signal: AbortSignal): Promise<ContentPart> {
    if (typeof place === 'string') return note(file, place);
    const bytes = await untilAvailable(() => this.read(place, signal), signal);
    return bytes ? partOf(place, bytes) : note(file, 'gone');
  }

  /** Undefined when they are gone, or not what was noted. */
  private async read(place: FilePlace, signal: AbortSignal): Promise<Buffer | undefined> {
    const stream = await this.store.read(keyOfUpload(currentCaller().tenant_id, place), signal);
    if (!stream) return undefined;
    const bytes = Buffer.alloc(place.bytes);
    let length = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) length += chunk.copy(bytes, length);
    return length === place.bytes ? bytes : undefined;
  }
}

function partOf({ filename, content_type }: FilePlace, bytes: Buffer): ContentPart {
  if (content_type === 'application/pdf')
    return { type: 'file', filename, media_type: content_type, data: bytes.toString('base64') };
  if (content_type.startsWith('image/'))
    return { type: 'image', url: `data:${content_type};base64,${bytes.toString('base64')}` };
  return { type: 'text', text: `File ${JSON.stringify(filename)}:\n${bytes.toString('utf8')}\n` };
}

const note = ({ filename }: StoredFilePart, why: keyof typeof absent): ContentPart => ({
  type: 'text',
  text: `File ${JSON.stringify(filename)} ${absent[why]}.\n`,
});
