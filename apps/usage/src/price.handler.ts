import { priceContract, type ListPrices, type PutPrice } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { PriceService } from './price.service';

@Handles(priceContract)
export class PriceHandler {
  constructor(private readonly prices: PriceService) {}

  list(input: ListPrices) {
    return this.prices.list(input);
  }

  put(input: PutPrice) {
    return this.prices.put(input);
  }
}
