/** One timed operation. */
export interface Task {
  /** `area.operation/key=value`, with more `/key=value` where there is more to say. */
  readonly name: string;
  /** Units that one call works through (signatures, settlements, keys): times are per unit. */
  readonly units: number;
  /** What a unit is, for the table. */
  readonly unit: string;
  readonly run: () => unknown;
  /** Runs before each call, outside the measured time. */
  readonly before?: () => void;
}

/** A table of its own kind, beside the one of all tasks. */
export interface SuiteTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Columns of numbers, from 0. */
  readonly numeric: readonly number[];
}

/** Tasks that are set up, with what they share. */
export interface OpenSuite {
  readonly tasks: readonly Task[];
  /** Measures what single tasks can't show: things in turns, or several figures of one run. */
  readonly measure?: (quick: boolean) => Promise<SuiteTable>;
  /** Frees threads and files. */
  readonly close?: () => Promise<void>;
}

export interface Suite {
  /** First part of its tasks' names: a filter that excludes it saves the set-up. */
  readonly area: string;
  readonly open: () => OpenSuite | Promise<OpenSuite>;
}
