/** Values that may stand in an error's data: they print the same on every node and in JSON. */
export type ErrorDatum = string | number | boolean | bigint;
export type ErrorData = Readonly<Record<string, ErrorDatum>>;

/**
 * An error with a stable reason code. The code is the contract, the message may change.
 * `data` names the field, what was got and what was expected where that applies.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = "CodedError";
  readonly code: Code;
  readonly data: ErrorData;

  constructor(code: Code, message: string, data: ErrorData = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = data;
  }

  toJSON(): { code: Code; message: string; data: Record<string, string | number | boolean> } {
    const data: Record<string, string | number | boolean> = {};
    for (const [key, value] of Object.entries(this.data)) {
      data[key] = typeof value === "bigint" ? value.toString() : value;
    }
    return { code: this.code, message: this.message, data };
  }
}

/** The message of whatever was thrown, for logs and for wrapping. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
