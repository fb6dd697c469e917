import type { Plugin } from 'esbuild';

/** What esbuild's `keepNames` has each function pass through whenever it is made. */
const ALL = 'var __name = (target, value) => __defProp(target, "name", { value, configurable: true });';
/** Closures have no prototype. */
const CLASSES =
  'var __name = (target, value) => target.prototype ? __defProp(target, "name", { value, configurable: true }) : target;';

/**
 * Keeps the names of classes, by which the API's document calls its schemas, and not those of closures: to name one costs a microsecond and
 * 256 bytes each time that it is made, some thirty times in a request.
 */
export const classNames: Plugin = {
  name: 'class-names',
  setup(build) {
    build.onEnd(({ outputFiles = [] }) => {
      for (const file of outputFiles)
        if (file.path.endsWith('.js')) file.contents = Buffer.from(onlyClasses(file.text));
    });
  },
};

/** Throws where esbuild writes it otherwise: a new release of it must not bring the cost back unseen. */
export function onlyClasses(code: string): string {
  if (!code.includes('__name(')) return code;
  if (!code.includes(ALL)) throw new Error('esbuild keeps names in another way than `class-names.ts` knows.');
  return code.replace(ALL, CLASSES);
}
