/** How many deliveries a tenant may claim now. */
export interface Turn {
  tenant_id: string;
  places: number;
}

/**
 * Divides a process's places between the tenants that wait for one, in their order. `taken` names for each place in use its tenant.
 * Nobody holds more than an equal share, of which there is one more than tenants: the last is for who comes next. So a place is free,
 * however slow the endpoints of the others are.
 */
export function turnsOf(waiting: readonly string[], taken: readonly string[], places: number): Turn[] {
  const share = Math.max(1, Math.floor(places / (new Set([...waiting, ...taken]).size + 1)));
  let left = places - taken.length;
  return waiting.flatMap((tenant_id) => {
    const held = taken.filter((tenant) => tenant === tenant_id).length;
    const claim = Math.min(share - held, left);
    if (claim <= 0) return [];
    left -= claim;
    return [{ tenant_id, places: claim }];
  });
}
