/** An invariant of our own code does not hold. Never caught and ignored: the process must stop. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Stays on in production. `message` states the invariant that was broken. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The value, or an InvariantError: for look-ups that our own logic guarantees. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantError(`${what} must be present`);
  return value;
}

/** Closes an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable variant: ${String(value)}`);
}
