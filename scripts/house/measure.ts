import { dirname } from 'node:path';
import ts from 'typescript';
import type { Imports } from './imports.ts';
import type { Source } from './sources.ts';

/** A folder with more files than this asks itself why. */
export const MOST_FILES = 25;

const linesOf = (ast: ts.SourceFile, start: number, end: number) =>
  ast.getLineAndCharacterOfPosition(end).line - ast.getLineAndCharacterOfPosition(start).line + 1;

const isFunctionValue = (node: ts.Node | undefined) =>
  node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));

/** Functions that have a name: callbacks are lines of the function that they stand in. */
function isNamedFunction(node: ts.Node): boolean {
  if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isPropertyAssignment(node))
    return isFunctionValue(node.initializer);
  return ts.isFunctionLike(node) && !isFunctionValue(node) && 'body' in node && node.body !== undefined;
}

function visit(node: ts.Node, each: (node: ts.Node) => void): void {
  each(node);
  for (const child of node.getChildren()) visit(child, each);
}

/** Comments by where they begin, because a comment may be met as the end of one token and the beginning of another. */
function commentsOf(ast: ts.SourceFile): Map<number, ts.CommentRange> {
  const comments = new Map<number, ts.CommentRange>();
  visit(ast, (node) => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(ast.text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(ast.text, node.getEnd()) ?? []),
    ];
    if (!ts.isTemplateLiteralToken(node)) for (const range of ranges) comments.set(range.pos, range);
  });
  return comments;
}

export interface FileFigures {
  lines: number;
  commentLines: number;
  /** Of each named function, in lines. */
  functions: number[];
}

export function measureFile({ ast }: Source): FileFigures {
  const functions: number[] = [];
  visit(ast, (node) => {
    if (isNamedFunction(node)) functions.push(linesOf(ast, node.getStart(), node.getEnd()));
  });
  const comments = [...commentsOf(ast).values()];
  return {
    lines: ast.getLineStarts().length - (ast.text.endsWith('\n') ? 1 : 0),
    commentLines: comments.reduce((sum, { pos, end }) => sum + linesOf(ast, pos, end), 0),
    functions,
  };
}

/** The value that this share of the numbers does not exceed; 0 of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Files that exactly one of the others imports. */
export function singleImporterFiles(sources: readonly Source[], imports: Imports): string[] {
  const importers = sources.flatMap(({ path }) => imports.get(path) ?? []);
  const counts = new Map<string, number>();
  for (const path of importers) counts.set(path, (counts.get(path) ?? 0) + 1);
  return sources.map(({ path }) => path).filter((path) => counts.get(path) === 1);
}

/** Folders with more than MOST_FILES files, and how many they have. */
export function largeFolders(paths: readonly string[]): [folder: string, files: number][] {
  const folders = Object.entries(Object.groupBy(paths, (path) => dirname(path)));
  return folders
    .map(([folder, files]): [string, number] => [folder, files?.length ?? 0])
    .filter(([, n]) => n > MOST_FILES);
}
