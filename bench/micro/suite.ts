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

/** Tasks that are set up, with what they share. */
export interface OpenSuite {
  readonly tasks: readonly Task[];
  /** Frees threads and files. */
  readonly close?: () => Promise<void>;
}

export interface Suite {
  /** First part of its tasks' names: a filter that excludes it saves the set-up. */
  readonly area: string;
  readonly open: () => OpenSuite | Promise<OpenSuite>;
}
