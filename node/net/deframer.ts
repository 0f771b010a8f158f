import { invariant } from "../../primitives/assert.ts";
import { FRAME_HEADER_BYTES, type FrameClass, type FrameKind } from "./frame.ts";
import { FRAME_RULES, LARGEST_FRAME } from "./limits.ts";
import { NetError } from "./net-error.ts";

/** An unfinished frame starts with this much memory and doubles as its bytes really arrive. */
const FIRST_BUFFER_BYTES = 64 << 10;

/**
 * Cuts one stream's bytes into frames, whatever the chunks. A prefix is judged as soon as it is
 * there: the length after four bytes against the stream's largest kind, then against the kind's own
 * cap. Nothing is allocated for a frame that is refused, and never more than twice what arrived of
 * one that is not (64 KiB at least), so a promise of 4 MiB costs the one who makes it.
 */
export class Deframer {
  readonly #stream: FrameClass;
  readonly #emit: (kind: FrameKind, payload: Uint8Array) => void;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFill = 0;
  #kind: FrameKind | undefined;
  #length = 0;
  #body: Uint8Array | undefined;
  #bodyFill = 0;
  #completed = 0;
  #failure: NetError | undefined;

  constructor(stream: FrameClass, emit: (kind: FrameKind, payload: Uint8Array) => void) {
    this.#stream = stream;
    this.#emit = emit;
  }

  /** Frames completed so far: with `received`, it tells whether the current one moves. */
  get completed(): number {
    return this.#completed;
  }

  /** Bytes of the unfinished frame, its header included; 0 between frames. */
  get received(): number {
    return this.#headerFill + this.#bodyFill;
  }

  /** Memory held for the unfinished frame. */
  get allocatedBytes(): number {
    return this.#body?.length ?? 0;
  }

  /**
   * Takes the next bytes of the stream and emits the frames that they complete. Throws NetError
   * FRAME_TOO_LARGE, FRAME_KIND_UNKNOWN or FRAME_ON_WRONG_STREAM; from then on the stream is lost
   * and every call throws the same error.
   */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    let offset = 0;
    while (offset < chunk.length) {
      offset =
        this.#kind === undefined ? this.#takeHeader(chunk, offset) : this.#takeBody(chunk, offset);
      if (this.#kind !== undefined && this.#bodyFill === this.#length) this.#complete();
    }
  }

  #takeHeader(chunk: Uint8Array, from: number): number {
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerFill, chunk.length - from);
    this.#header.set(chunk.subarray(from, from + taken), this.#headerFill);
    this.#headerFill += taken;
    if (this.#headerFill < FRAME_HEADER_BYTES - 1) return from + taken;
    const view = new DataView(this.#header.buffer);
    const length = view.getUint32(0);
    if (length > LARGEST_FRAME[this.#stream]) {
      throw this.#fail("FRAME_TOO_LARGE", length, LARGEST_FRAME[this.#stream]);
    }
    if (this.#headerFill === FRAME_HEADER_BYTES) this.#admit(view.getUint8(4), length);
    return from + taken;
  }

  #admit(kind: number, length: number): void {
    const rule = FRAME_RULES.get(kind);
    if (rule === undefined) throw this.#fail("FRAME_KIND_UNKNOWN", kind, 0);
    if (rule.stream !== "all" && rule.stream !== this.#stream) {
      throw this.#fail("FRAME_ON_WRONG_STREAM", kind, 0);
    }
    if (length > rule.maxBytes) throw this.#fail("FRAME_TOO_LARGE", length, rule.maxBytes);
    // FRAME_RULES is keyed by the values of FrameKind and by nothing else.
    this.#kind = kind as FrameKind;
    this.#length = length;
    this.#bodyFill = 0;
  }

  #takeBody(chunk: Uint8Array, from: number): number {
    const taken = Math.min(this.#length - this.#bodyFill, chunk.length - from);
    const needed = this.#bodyFill + taken;
    let body = this.#body;
    if (body === undefined || body.length < needed) {
      const doubled = Math.max(needed, FIRST_BUFFER_BYTES, (body?.length ?? 0) * 2);
      // A frame that is here in whole gets exactly its size.
      const grown = new Uint8Array(Math.min(this.#length, doubled));
      if (body !== undefined) grown.set(body.subarray(0, this.#bodyFill));
      body = grown;
      this.#body = grown;
    }
    body.set(chunk.subarray(from, from + taken), this.#bodyFill);
    this.#bodyFill = needed;
    return from + taken;
  }

  #complete(): void {
    const kind = this.#kind;
    invariant(kind !== undefined, "a completed frame has a kind");
    const payload = this.#body ?? new Uint8Array(0);
    invariant(payload.length === this.#length, "a completed frame has its announced length");
    this.#kind = undefined;
    this.#body = undefined;
    this.#headerFill = 0;
    this.#bodyFill = 0;
    this.#completed += 1;
    this.#emit(kind, payload);
  }

  #fail(
    code: "FRAME_TOO_LARGE" | "FRAME_KIND_UNKNOWN" | "FRAME_ON_WRONG_STREAM",
    got: number,
    limit: number,
  ): NetError {
    const data = { stream: this.#stream, got, limit };
    const rest = code === "FRAME_TOO_LARGE" ? `${got} bytes, limit ${limit}` : `kind ${got}`;
    this.#body = undefined;
    this.#failure = new NetError(code, `${this.#stream} stream: ${rest}`, data);
    return this.#failure;
  }
}
