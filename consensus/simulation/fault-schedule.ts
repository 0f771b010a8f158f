import { unreachable } from "../../primitives/assert.ts";
import type { DiskLoss, Fault } from "./faults.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What the schedule can do to the nodes; the links it cuts itself. */
export interface FaultTargets {
  readonly size: number;
  readonly honest: readonly number[];
  cut(from: number, to: number): void;
  mend(from: number, to: number): void;
  isUp(node: number): boolean;
  crash(node: number): void;
  /** The node dies by itself after so many effects and sends; then `onDeath` runs. */
  crashAmid(node: number, boundary: number, onDeath: () => void): void;
  /** The node's next sync fails and ends the process; then `onDeath` runs. */
  failSync(node: number, onDeath: () => void): void;
  /** What a disk that is not in use loses. */
  loseDisk(node: number, loss: DiskLoss): void;
  /** What is armed and has not happened yet will not happen. */
  disarm(node: number): void;
  restart(node: number): void;
  /** Moves a node's clock to `errorMs` beside true time. */
  setClockError(node: number, errorMs: number): void;
}

/** Deals the faults at their times until stabilisation, then takes every one of them back. */
export class FaultSchedule {
  readonly #faults: readonly Fault[];
  readonly #clock: VirtualClock;
  readonly #targets: FaultTargets;
  /** Undoes each partition that stands, in the order they were made. */
  readonly #standing = new Map<number, () => void>();
  #partitions = 0;
  #over = false;

  constructor(faults: readonly Fault[], clock: VirtualClock, targets: FaultTargets) {
    this.#faults = faults;
    this.#clock = clock;
    this.#targets = targets;
  }

  start(): void {
    for (const fault of this.#faults) {
      this.#clock.after(fault.atMs, () => {
        if (!this.#over) this.#deal(fault);
      });
    }
  }

  /** Mends all links, restarts all nodes. From here on nothing more goes wrong. */
  stop(): void {
    this.#over = true;
    for (const mend of this.#standing.values()) mend();
    this.#standing.clear();
    for (const node of this.#targets.honest) {
      this.#targets.disarm(node);
      if (!this.#targets.isUp(node)) this.#targets.restart(node);
    }
  }

  #deal(fault: Fault): void {
    const targets = this.#targets;
    switch (fault.kind) {
      case "partition":
        this.#hold(this.#linksOf(fault.first, fault.oneWay), fault.cuts);
        return;
      case "crash":
        for (const { node, downMs } of fault.nodes) {
          if (!targets.isUp(node)) continue;
          targets.crash(node);
          this.#restartAfter(node, downMs);
        }
        return;
      case "crashAmid":
        targets.crashAmid(fault.node, fault.boundary, () =>
          this.#restartAfter(fault.node, fault.downMs),
        );
        return;
      case "syncError":
        targets.failSync(fault.node, () => this.#restartAfter(fault.node, fault.downMs));
        return;
      case "diskLoss":
        if (!targets.isUp(fault.node)) return;
        targets.crash(fault.node);
        targets.loseDisk(fault.node, fault.loss);
        this.#restartAfter(fault.node, fault.downMs);
        return;
      case "clockJump":
        targets.setClockError(fault.node, fault.errorMs);
        return;
      default:
        unreachable(fault);
    }
  }

  #linksOf(first: readonly number[], oneWay: boolean): readonly (readonly [number, number])[] {
    const everyone = Array.from({ length: this.#targets.size }, (_, i) => i);
    const second = everyone.filter((node) => !first.includes(node));
    const pairs = first.flatMap((a) => second.map((b) => [a, b] as const));
    return oneWay ? pairs : pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  }

  #hold(
    links: readonly (readonly [number, number])[],
    cuts: readonly { readonly cutMs: number; readonly pauseMs: number }[],
  ): void {
    const [now, ...later] = cuts;
    if (now === undefined) return;
    const id = this.#partitions++;
    for (const [from, to] of links) this.#targets.cut(from, to);
    const mend = (): void => {
      for (const [from, to] of links) this.#targets.mend(from, to);
    };
    this.#standing.set(id, mend);
    this.#clock.after(now.cutMs, () => {
      if (!this.#standing.delete(id)) return;
      mend();
      if (later.length === 0) return;
      this.#clock.after(now.pauseMs, () => {
        if (!this.#over) this.#hold(links, later);
      });
    });
  }

  #restartAfter(node: number, downMs: number | undefined): void {
    if (downMs === undefined) return;
    this.#clock.after(downMs, () => {
      if (!this.#over && !this.#targets.isUp(node)) this.#targets.restart(node);
    });
  }
}
