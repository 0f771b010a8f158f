/**
 * Exit codes of the `mizan` process: a supervisor and a script may rely on them. Those from 64 on
 * follow sysexits.h of BSD. A process that a signal ended at once exits with 128 + signal number.
 */
export const EXIT = {
  /** Done, or stopped in order. */
  OK: 0,
  /** The command failed, and its last line says why: retrying unchanged will fail again. */
  FAILURE: 1,
  /** The command line or the configuration is wrong; nothing was started. */
  USAGE: 2,
  /** Not ready, not there yet, or no answer in time: the same call may succeed later. */
  NOT_READY: 3,
  /** Stopped, but a step did not end in time; the log names it. Everything after it was run. */
  SHUTDOWN_INCOMPLETE: 4,
  /**
   * What is stored is damaged, belongs to another chain, or gives another state than the one that
   * the network made final: do not restart, see the log.
   */
  INTEGRITY: 65,
  /** The data directory is in use by another process. */
  LOCKED: 69,
  /** A defect of ours: an invariant did not hold. The node stopped rather than sign on. */
  INTERNAL: 70,
  /** The disk refused a write or a sync. Restart only when the disk is healthy. */
  IO: 74,
  /** Second SIGINT. */
  INTERRUPTED: 130,
  /** Second SIGTERM. */
  TERMINATED: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
