/** Keywords whose schemas are compared with the same value as the schema that they stand in. */
const LISTS = ['allOf', 'anyOf', 'oneOf'];
const SINGLE = ['not', 'if', 'then', 'else'];
const NAMED = ['dependentSchemas', 'dependencies'];
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/**
 * Where a JSON schema refers to itself without going deeper into the value, so that no comparison would end: `properties.a`; undefined if it
 * does so nowhere. A schema of trees, which refers to itself for the children, is none of these. References by `$id` or `$anchor` are not
 * followed.
 */
export function endlessReference(schema: Node): string | undefined {
  const done = new Set<Node>();
  return search(schema, []);

  /** Looks at every schema, each as the first one of a way. */
  function search(node: Node, path: readonly string[]): string | undefined {
    if (returns(node, new Set())) return path.join('.') || 'it';
    for (const [name, child] of Object.entries(node)) {
      const found = isNode(child) ? search(child, [...path, name]) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether a way from the node leads back to one that it has come by. */
  function returns(node: Node, way: Set<Node>): boolean {
    if (way.has(node)) return true;
    if (done.has(node)) return false;
    way.add(node);
    const endless = besides(schema, node).some((next) => returns(next, way));
    way.delete(node);
    done.add(node);
    return endless;
  }
}

/** The schemas that are compared with the same value as `node`. */
function besides(root: Node, node: Node): Node[] {
  const listed = LISTS.flatMap((name) => node[name]);
  const named = NAMED.flatMap((name) => (isNode(node[name]) ? Object.values(node[name]) : []));
  const referred = REFERENCES.map((name) => resolved(root, node[name]));
  return [...listed, ...SINGLE.map((name) => node[name]), ...named, ...referred].filter(isNode);
}

/** What `#` or `#/$defs/tree` stands for. */
function resolved(root: Node, reference: unknown): unknown {
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) return undefined;
  const names = reference.split('/').slice(1);
  return names.reduce<unknown>((node, name) => (isNode(node) ? node[unescaped(name)] : undefined), root);
}

function unescaped(name: string): string {
  const pointer = name.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}
