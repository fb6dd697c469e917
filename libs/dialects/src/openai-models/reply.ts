import type { OfferedModel } from '@taai/contracts';
import type { ReplyShape } from '../dialect';
import { described, integer, list, named, object, oneOf, text, type TypeOf } from '../schema';

const model = named(
  'OpenAiModel',
  object({
    id: text(),
    object: oneOf('model'),
    created: described('Seconds since 1970: when the provider or agent was added.', integer()),
    owned_by: text({ description: "The provider's name, or `agent`." }),
  }),
);

export const modelsReply: ReplyShape<[OfferedModel[]]> = {
  schema: named('OpenAiModels', object({ object: oneOf('list'), data: list(model) })),
  write: (models) => JSON.stringify({ object: 'list', data: models.map(toModel) }),
};

export const modelReply: ReplyShape<[OfferedModel]> = {
  schema: model,
  write: (found) => JSON.stringify(toModel(found)),
};

const toModel = ({ id, created_at, owned_by }: OfferedModel): TypeOf<typeof model> => ({
  id,
  object: 'model',
  created: Math.floor(new Date(created_at).getTime() / 1000),
  owned_by,
});
