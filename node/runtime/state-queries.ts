import { RpcRefusal } from "../../client/rpc/errors.ts";
import { certificateSchema } from "../../consensus/certificate.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import type { ChainHeadView, ProvenEntry, StatePort } from "../api/ports.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { CommittedState } from "./committed-state.ts";

/**
 * Reads and proofs of the state at the head. A proof needs the header with the state's root and a
 * finalization; the head was applied because of one, so both are always there.
 */
export class StateQueries implements StatePort {
  readonly #blocks: BlockStore;
  readonly #committed: CommittedState;

  constructor(blocks: BlockStore, committed: CommittedState) {
    this.#blocks = blocks;
    this.#committed = committed;
  }

  atHead(): { readonly head: ChainHeadView; readonly reader: StateReader } {
    return { head: this.#committed.head, reader: this.#committed };
  }

  async prove(key: string): Promise<ProvenEntry> {
    const { height, digest } = this.#committed.head;
    if (height === 0) {
      throw new RpcRefusal("NOT_FOUND", { field: "height" }, { message: "no block is final yet" });
    }
    const finalization = present(this.#blocks.finalization(height), "finalization of the head");
    const { target } = decode(certificateSchema, finalization, undefined, "finalization");
    // The head may have become final with a descendant that is still being applied.
    if (target?.blockDigest !== digest) {
      throw new RpcRefusal("SYNCING", { retryAfterMs: 200 });
    }
    return {
      height,
      key,
      value: this.#committed.get(key),
      path: this.#committed.tree.prove(key),
      headerBytes: present(this.#blocks.header(height), "header of the head"),
      descendants: [],
      finalization,
    };
  }
}
