import { type CanActivate, type ExecutionContext, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { contract, Nothing, ProblemError, type ServiceName } from '@taai/contracts';
import { currentContext, runInContext } from '@taai/tenant';
import { codeOf, redisUrl, TestService } from '../fleet.testing';
import { Handles } from './handles';
import { RpcServer } from './server';

const service = new TestService();

class Note {
  id: string;
}
class NewNote {
  text: string;
}

const notes = contract(service.name as ServiceName, {
  create: { summary: '', http: 'POST /notes', access: 'public', input: NewNote, output: Note, effect: 'once' },
  remove: { summary: '', http: 'DELETE /notes', access: 'public', input: Note, output: Nothing, effect: 'idempotent' },
});

const letters = contract(`${service.name as ServiceName}.letter`, {
  all: {
    summary: '',
    http: 'GET /letters',
    access: 'public',
    input: NewNote,
    output: Note,
    effect: 'safe',
    stream: true,
  },
  wait: {
    summary: '',
    http: 'GET /letter',
    access: 'public',
    input: Note,
    output: Note,
    effect: 'safe',
    cancellable: true,
  },
});

@Injectable()
class Store {
  readonly texts: string[] = [];
}

/** Lets nothing through that comes from no address. */
class AddressGuard implements CanActivate {
  canActivate(_context: ExecutionContext): boolean {
    if (!currentContext()?.ip) throw new ProblemError('forbidden', 'A guard said no.');
    return true;
  }
}

@Handles(notes)
class NoteHandler {
  constructor(@Inject(Store) private readonly store: Store) {}

  async create({ text }: NewNote): Promise<Note> {
    this.store.texts.push(text);
    return { id: String(this.store.texts.length) };
  }

  @UseGuards(AddressGuard)
  async remove({ id }: Note): Promise<void> {
    if (!this.store.texts[Number(id) - 1]) throw new ProblemError('not_found', 'There is no such note.');
  }
}

@Handles(letters)
class LetterHandler {
  async *all({ text }: NewNote, signal: AbortSignal): AsyncGenerator<Note> {
    for (const letter of text) yield { id: `${letter}${currentContext()?.ip}${signal.aborted}` };
  }

  async wait(_input: Note, signal: AbortSignal): Promise<Note> {
    return { id: String(signal.aborted) };
  }
}

@Module({ controllers: [NoteHandler, LetterHandler], providers: [Store] })
class NoteModule {}

const from = <T>(ip: string, work: () => T): T => runInContext({ request_id: 'r', ip }, work);

describe('A class with @Handles', () => {
  it('answers its contract within Nest: injection, guards and errors included', async () => {
    const { fernet } = service;
    const strategy = new RpcServer({ service: notes.service, redisUrl: redisUrl(), tokens: service.tokens(), fernet });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(NoteModule, { strategy, logger: false });
    await app.listen();
    const client = (await service.client({ contracts: [notes] })).for(notes);
    expect(await client.create({ text: 'first' })).toEqual({ id: '1' });
    expect(await codeOf(client.remove({ id: '1' }))).toBe('forbidden');
    expect(await from('::1', () => client.remove({ id: '1' }))).toBeNull();
    await expect(from('::1', () => client.remove({ id: '2' }))).rejects.toMatchObject({
      code: 'not_found',
      message: 'There is no such note.',
    });
    const letter = (await service.client({ contracts: [letters] })).for(letters);
    const ids: string[] = [];
    await from('::1', async () => {
      for await (const { id } of letter.all({ text: 'abc' })) ids.push(id);
    });
    expect(ids).toEqual(['a::1false', 'b::1false', 'c::1false']);
    expect(await letter.wait({ id: '' })).toEqual({ id: 'false' });
    await service.close();
    await app.close();
  });

  it('does not compile without all of the contract', () => {
    const incomplete = () => {
      // @ts-expect-error remove is missing
      @Handles(notes)
      class Incomplete {
        async create(_input: NewNote): Promise<Note> {
          return { id: '' };
        }
      }
      return Incomplete;
    };

    const wrongOutput = () => {
      // @ts-expect-error create answers something else
      @Handles(notes)
      class WrongOutput {
        async create(_input: NewNote): Promise<{ name: string }> {
          return { name: '' };
        }
        async remove(_input: Note): Promise<void> {}
      }
      return WrongOutput;
    };

    const wrongInput = () => {
      // @ts-expect-error create wants more than the contract gives
      @Handles(notes)
      class WrongInput {
        async create(_input: NewNote & { title: string }): Promise<Note> {
          return { id: '' };
        }
        async remove(_input: Note): Promise<void> {}
      }
      return WrongInput;
    };

    const plainAnswer = () => {
      // @ts-expect-error all is a stream
      @Handles(letters)
      class PlainAnswer {
        async all(_input: NewNote): Promise<Note[]> {
          return [];
        }
        async wait(input: Note): Promise<Note> {
          return input;
        }
      }
      return PlainAnswer;
    };

    // The compiler is what tests this; at run time only the missing method can be told.
    expect(incomplete).toThrow();
    expect([wrongOutput, wrongInput, plainAnswer]).toHaveLength(3);
  });
});
