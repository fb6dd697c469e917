/** What the events of a stream carry, each as one line; comments, names and ids are left out. JSON means the same on one line. */
export declare function sseData(body: ReadableStream<Uint8Array>): AsyncGenerator<string>;
