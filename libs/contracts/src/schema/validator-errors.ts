import type { ValidationError } from 'class-validator';
import type { FieldError } from './problem';

/** By class-validator's constraint, where its own words are clumsy. */
const words = new Map([['isNumber', 'must be a number']]);

const SUBJECT = /^(each value )?(?:in )?(?:nested )?(?:property )?/;

/** What class-validator found: one error per broken constraint, whose message does not repeat the field's name. */
export function validatorErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = parent + property;
    const own = Object.entries(constraints).map(([constraint, message]) => ({
      path,
      message: words.get(constraint) ?? message.replace(SUBJECT, '$1').replace(`${property} `, ''),
    }));
    return [...own, ...validatorErrors(children, `${path}.`)];
  });
}
