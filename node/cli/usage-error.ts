import { CodedError } from "../../primitives/errors.ts";

/** The command line is wrong; nothing was done. Ends with exit code 2. */
export class UsageError extends CodedError<"USAGE"> {
  override readonly name = "UsageError";

  constructor(field: string, got: string, expected: string) {
    super("USAGE", `${field}: got ${got}, expected ${expected}`, { field, got, expected });
  }
}
