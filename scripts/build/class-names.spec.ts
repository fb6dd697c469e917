import { runInNewContext } from 'node:vm';
import { buildSync } from 'esbuild';
import { onlyClasses } from './class-names.ts';

const build = (contents: string) => {
  const { outputFiles } = buildSync({
    stdin: { contents },
    write: false,
    bundle: true,
    format: 'cjs',
    keepNames: true,
  });
  return onlyClasses(outputFiles[0]?.text ?? '');
};

function run(contents: string): unknown {
  const module = { exports: {} };
  runInNewContext(build(contents), { module, exports: module.exports });
  return module.exports;
}

it('keeps the name of a class that esbuild has to call otherwise, and makes closures as they are', () => {
  const source = `
    const Tag = 1;
    { class Tag { static own = Tag }; const make = () => () => Tag; exports.Tag = Tag; exports.make = make; }
    exports.one = Tag;`;
  const { Tag, make } = run(source) as { Tag: { name: string }; make: () => () => unknown };
  expect(Tag.name).toBe('Tag');
  expect(Object.getOwnPropertyDescriptor(make, 'name')?.value).toBe('');
  expect(make()()).toBe(Tag);
});

it('leaves code without names alone, and refuses what it does not know', () => {
  expect(onlyClasses('export {};')).toBe('export {};');
  expect(() => onlyClasses('var __name = 1; __name(f, "f");')).toThrow('another way');
});
