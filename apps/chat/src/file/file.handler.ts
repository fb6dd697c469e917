import {
  fileContract,
  type BroughtFile,
  type ByFileToken,
  type ById,
  type CreateFileUrl,
  type Empty,
  type FileIds,
  type PageQuery,
  type ReceivedFile,
  type UploadFile,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { FileService } from './file.service';

@Handles(fileContract)
export class FileHandler {
  constructor(private readonly files: FileService) {}

  create(_: UploadFile) {
    return this.files.create();
  }

  bring(brought: BroughtFile) {
    return this.files.bring(brought);
  }

  release({ file_ids }: FileIds) {
    return this.files.release(file_ids);
  }

  finish(received: ReceivedFile) {
    return this.files.finish(received);
  }

  discard({ id }: ById) {
    return this.files.discard(id);
  }

  list(input: PageQuery) {
    return this.files.list(input);
  }

  get({ id }: ById) {
    return this.files.get(id);
  }

  content({ id }: ById) {
    return this.files.content(id);
  }

  createUrl(input: CreateFileUrl) {
    return this.files.createUrl(input);
  }

  linked({ token }: ByFileToken) {
    return this.files.linked(token);
  }

  remove({ id }: ById) {
    return this.files.remove(id);
  }

  async describe({ file_ids }: FileIds) {
    return { data: await this.files.describe(file_ids) };
  }

  async kept(_: Empty) {
    return { bytes: await this.files.kept() };
  }

  async locate({ file_ids }: FileIds) {
    return { data: await this.files.locate(file_ids) };
  }
}
