export function entryPoints(): Promise<Record<string, string>>;
export function buildAll(names: readonly string[]): Promise<void>;
export function bundle(entryPoints: readonly { in: string; out: string }[]): Promise<void>;
