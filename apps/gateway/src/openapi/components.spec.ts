import { Describe } from '@taai/contracts';
import { IsString } from 'class-validator';
import { Components } from './components';

class Said {
  @Describe('What was said.')
  @IsString()
  text: string;
}

class SaidText extends Said {}

class Unsaid {
  @IsString()
  text: string;
}

describe('Components', () => {
  it('fails on two schemas of one name', () => {
    const components = new Components();
    components.outputs.ref(Said);
    expect(Object.keys(components.all())).toContain('Said');
    components.union({ name: 'Said', types: {} }, { type: 'type', fields: {} });
    expect(() => components.all()).toThrow(/Two schemas are named Said/);
  });

  it('fails on a schema whose name generators make for a field', () => {
    const components = new Components();
    for (const type of [Said, SaidText]) components.outputs.ref(type);
    expect(() => components.all()).toThrow(/Said.text like the schema SaidText/);
  });

  it('fails on a field of ours that nothing is said of', () => {
    const components = new Components();
    components.outputs.ref(Unsaid);
    expect(() => components.all()).toThrow(/Unsaid.text has no description/);
  });
});
