/** @throws ProviderError `invalid_request` for what is no image's address */
export declare function readImage(url: string):
  | {
      url: string;
    }
  | {
      media_type: string;
      data: string;
    };
