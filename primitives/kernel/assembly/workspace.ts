/*
 * Memory. All threads share one memory; page 0 holds the constants of the compiled module, and each
 * instance has a workspace of its own, whose address the host passes to `start`:
 *
 *       0   80  columns of a multiplication
 *      80   80  spare
 *     160       named elements and points, below
 *    8192       digits of a pair; from 9216 the records of each pair
 *   12288       two padded messages, 66 KiB each
 *  147456       points of a batch (X, Y, Z: 240 bytes) and their running products (80 bytes)
 */

/** Address of this instance's workspace. */
export let work: usize = 0;

export function setWork(address: usize): void {
  work = address;
}

export const SPARE: usize = 80;
export const ELEMENTS: usize = 160;
export const DIGITS: usize = 8192;
export const MESSAGES: usize = 12288;
/** Room for R, A, a message of 64 KiB and padding. */
export const MESSAGE_STRIDE: usize = 67584;
export const BATCH: usize = MESSAGES + 2 * MESSAGE_STRIDE;
export const BATCH_STRIDE: usize = 320;
/** Points that a batch holds: the entries of a window of 10 bits, two at a time. */
export const BATCH_POINTS: usize = 512;
export const WORKSPACE_BYTES: usize = BATCH + BATCH_POINTS * BATCH_STRIDE;
