import { CodedError, type ErrorData } from "../../primitives/errors.ts";

/**
 * Why a snapshot is refused or cannot be made.
 *
 * - SNAPSHOT_MALFORMED: bytes that are no manifest or chunk.
 * - SNAPSHOT_VERSION: another layout.
 * - SNAPSHOT_WRONG_CHAIN: of another genesis.
 * - SNAPSHOT_TRAIL: the epochs before it are not proven from the genesis on.
 * - SNAPSHOT_CERTIFICATE: a header is not finalized by the validators of its epoch.
 * - SNAPSHOT_CONTRADICTION: manifest, header and chunks say different things.
 * - SNAPSHOT_CHUNK: a chunk is missing or has another hash.
 * - SNAPSHOT_ORDER: keys do not rise.
 * - SNAPSHOT_ROOT: the entries have another root than the certified header.
 * - SNAPSHOT_STATE: the root is right, but the books do not balance by the rules of this software.
 * - SNAPSHOT_MISSING: no such snapshot.
 * - SNAPSHOT_EXISTS: there is one of that height already.
 * - SNAPSHOT_NOT_CERTIFIED: the block has no finalization of its own.
 * - SNAPSHOT_TOO_LARGE: more chunks or epochs than a manifest may name.
 * - SNAPSHOT_STOPPED: the work was stopped.
 * - DATA_EXISTS: there is data where a snapshot is to be restored.
 */
export type SnapshotErrorCode =
  | "SNAPSHOT_MALFORMED"
  | "SNAPSHOT_VERSION"
  | "SNAPSHOT_WRONG_CHAIN"
  | "SNAPSHOT_TRAIL"
  | "SNAPSHOT_CERTIFICATE"
  | "SNAPSHOT_CONTRADICTION"
  | "SNAPSHOT_CHUNK"
  | "SNAPSHOT_ORDER"
  | "SNAPSHOT_ROOT"
  | "SNAPSHOT_STATE"
  | "SNAPSHOT_MISSING"
  | "SNAPSHOT_EXISTS"
  | "SNAPSHOT_NOT_CERTIFIED"
  | "SNAPSHOT_TOO_LARGE"
  | "SNAPSHOT_STOPPED"
  | "DATA_EXISTS";

export class SnapshotError extends CodedError<SnapshotErrorCode> {
  override readonly name = "SnapshotError";

  constructor(code: SnapshotErrorCode, message: string, data: ErrorData = {}, cause?: unknown) {
    super(code, message, data, cause === undefined ? undefined : { cause });
  }
}
