import { titleContract, type SuggestTitle } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { TitleService } from './title.service';

@Handles(titleContract)
export class TitleHandler {
  constructor(private readonly titles: TitleService) {}

  suggest(input: SuggestTitle) {
    return this.titles.suggest(input);
  }
}
