import { IsString } from 'class-validator';
import { Components } from './components';

class Said {
  @IsString()
  text: string;
}

describe('Components', () => {
  it('fails on two schemas of one name', () => {
    const components = new Components();
    components.openai.ref(Said);
    expect(Object.keys(components.all())).toContain('Said');
    components.union({ name: 'Said', types: {} }, { type: 'type', fields: {} });
    expect(() => components.all()).toThrow(/Two schemas are named Said/);
  });

  it('fails on a field of ours that nothing is said of', () => {
    const components = new Components();
    components.outputs.ref(Said);
    expect(() => components.all()).toThrow(/Said.text has no description/);
  });
});
