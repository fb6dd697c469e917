/** What the sandbox refuses or fails with; each format has its own shape for it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  /** Seconds. */
  readonly retry_after?: number;

  constructor(status: number, message: string, details: { code?: string; param?: string; retry_after?: number } = {}) {
    super(message);
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.retry_after = details.retry_after;
  }
}
