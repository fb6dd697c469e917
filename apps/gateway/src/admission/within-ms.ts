/**
 * What `work` comes to, if it does within so many milliseconds; throws otherwise. What came in time counts, though this process was too busy
 * to see it: sockets are read once more before the time is held to be over.
 */
export async function withinMs<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const refuse = () => late.reject(new Error(`There was no answer within ${ms} ms.`));
  const timer = setTimeout(() => setImmediate(() => setImmediate(refuse)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
