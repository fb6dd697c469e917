import type { FactoryProvider } from '@nestjs/common';
import { readVariables } from '@taai/platform';
import { bool, str } from 'envalid';
import type { FileStore } from './file-store';
import { FolderStore } from './folder-store';
import { openS3Store } from './s3-store';

/** Injects the `FileStore`. */
export const FILE_STORE = Symbol('file store');

/** Reads where files are kept: in a bucket, if one is named, else in a folder. */
function readSettings() {
  const env = readVariables({
    FILES_DIR: str({ default: '.data/files', desc: 'a folder that all replicas share' }),
    FILES_S3_BUCKET: str({ default: '', desc: 'instead of the folder' }),
    FILES_S3_REGION: str({ default: 'us-east-1' }),
    FILES_S3_ENDPOINT: str({ default: '', desc: "of another maker's store" }),
    FILES_S3_PATH_STYLE: bool({ default: false, desc: 'whether the bucket is part of the path' }),
    FILES_S3_ACCESS_KEY_ID: str({ default: '' }),
    FILES_S3_SECRET_ACCESS_KEY: str({ default: '' }),
  });
  const { FILES_S3_ACCESS_KEY_ID: accessKeyId, FILES_S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  return {
    folder: env.FILES_DIR,
    bucket: env.FILES_S3_BUCKET,
    region: env.FILES_S3_REGION,
    path_style: env.FILES_S3_PATH_STYLE,
    ...(env.FILES_S3_ENDPOINT && { endpoint: env.FILES_S3_ENDPOINT }),
    ...(accessKeyId && { credentials: { accessKeyId, secretAccessKey } }),
  };
}

/** The store of this process. */
async function openFileStore(): Promise<FileStore> {
  const { folder, ...s3 } = readSettings();
  return s3.bucket ? openS3Store(s3) : new FolderStore(folder);
}

export const fileStoreProvider: FactoryProvider<FileStore> = { provide: FILE_STORE, useFactory: openFileStore };
