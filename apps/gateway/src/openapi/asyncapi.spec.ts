import specs from '@asyncapi/specs';
import { chatSocketEvents, socketMethods } from '@taai/contracts';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { asyncApiDocument } from './asyncapi';

describe('asyncApiDocument', () => {
  const document = asyncApiDocument();
  const { operations, components } = document;

  it('is an AsyncAPI 3.0 document', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, meta: false });
    addFormats(ajv);
    const validate = ajv.compile(specs.schemas['3.0.0']);
    expect(validate({ ...document, channels: [] })).toBe(false);
    expect([validate(JSON.parse(JSON.stringify(document))), validate.errors]).toEqual([true, null]);
  });

  it('has every event of clients, with its permission and its acknowledgement, and every event of the server', () => {
    const received = Object.values(operations).filter(({ action }) => action === 'receive');
    expect(received.map((operation) => operation['x-permission'])).toEqual(
      socketMethods.map(({ method }) => method.access),
    );
    expect(received.every(({ reply }) => reply?.messages.length === 1)).toBe(true);
    const sent = Object.keys(operations).filter((name) => name.endsWith('.told'));
    expect(sent).toEqual(Object.keys(chatSocketEvents.types).map((type) => `${type}.told`));
  });

  it('refers to nothing that is not there', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    expect(refs.length).toBeGreaterThan(0);
    expect(refs.map(([, name = '']) => name).filter((name) => !Object.hasOwn(components.schemas, name))).toEqual([]);
  });

  it('shows examples that the schemas allow', () => {
    const ajv = new Ajv({ strict: false });
    addFormats(ajv);
    ajv.addSchema({ $id: 'async', components: { schemas: components.schemas } });
    for (const { name, payload, examples } of Object.values(components.messages)) {
      const schema = JSON.parse(JSON.stringify(payload).replaceAll('"#/', '"async#/'));
      const validate = ajv.compile(schema);
      expect([name, validate(JSON.parse(JSON.stringify(examples[0]?.payload))), validate.errors]).toEqual([
        name,
        true,
        null,
      ]);
    }
  });
});
