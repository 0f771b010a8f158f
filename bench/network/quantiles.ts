/** Latencies of one rate, milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest-rank quantiles: each is a latency that really occurred. Undefined of no values. */
export function quantilesOf(values: readonly number[]): Quantiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: at(sorted, 50), p95: at(sorted, 95), p99: at(sorted, 99), max: at(sorted, 100) };
}

/** The smallest value that at least `percent` of all values do not exceed. */
function at(sorted: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}
