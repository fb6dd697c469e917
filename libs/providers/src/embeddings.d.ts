/** @throws ProviderError when they are not one vector for each of `count` inputs: half of them are of no use */
export declare function toVectors(values: unknown[], count: number): number[][];
