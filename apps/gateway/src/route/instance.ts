import {
  invalidField,
  invalidFields,
  limits,
  shapeOf,
  type Class,
  type FieldError,
  type FieldShape,
} from '@taai/contracts';

/** What the rules of the fields cannot see. */
interface Found {
  /** Fields that the class does not have, or that are of another shape. */
  faults: FieldError[];
  /** Paths of fields that are not there and must be. */
  missing: string[];
}

/**
 * Makes an instance of what a client sent, once through it: texts of a query become numbers, objects instances of the field's class, free-form
 * ones stay as they are. Unknown fields are left out. Throws `validation_failed` when there is more than its class allows for.
 */
export function readInstance<T extends object>(type: Class<T>, value: object): Found & { instance: T } {
  const found: Found = { faults: [], missing: [] };
  return { ...found, instance: instanceOf(type, value, '', found) };
}

const NUMBER = /^-?\d+(\.\d+)?$/;

function instanceOf<T extends object>(type: Class<T>, value: object, parent: string, found: Found): T {
  const shape = shapeOf(type);
  const instance = new type();
  for (const [name, given] of Object.entries(value)) {
    const field = shape.get(name);
    if (field) Reflect.set(instance, name, converted(field, given, parent + name, found));
    else addFault(found, { path: parent + name, message: 'should not exist' });
  }
  for (const [name, { isRequired }] of shape)
    if (isRequired && !Object.hasOwn(value, name)) found.missing.push(parent + name);
  return instance;
}

function converted({ isNumber, nested, maxItems }: FieldShape, given: unknown, path: string, found: Found): unknown {
  if (isNumber && typeof given === 'string') return NUMBER.test(given) ? Number(given) : given;
  if (Array.isArray(given)) {
    if (maxItems !== undefined && given.length > maxItems)
      throw invalidField(path, `must contain no more than ${maxItems} elements`);
    if (nested && maxItems === undefined) return void addFault(found, { path, message: 'must be an object' });
    return nested ? given.map((item: unknown, at) => nestedIn(nested, item, `${path}.${at}`, found)) : given;
  }
  return nested ? nestedIn(nested, given, path, found) : given;
}

/** What is no object at all, the rules refuse. */
function nestedIn(type: Class, given: unknown, path: string, found: Found): unknown {
  if (Array.isArray(given)) return void addFault(found, { path, message: 'must be an object' });
  return typeof given === 'object' && given !== null ? instanceOf(type, given, `${path}.`, found) : given;
}

function addFault({ faults }: Found, fault: FieldError): void {
  faults.push(fault);
  if (faults.length > limits.fieldErrors) throw invalidFields(faults);
}
