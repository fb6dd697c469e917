/** Puts `[secret]` for each of `secrets`, and for the parts of those that have several (`Bearer …`), as they are and as JSON writes them. */
export declare function redactor(secrets: readonly string[]): (text: string) => string;
