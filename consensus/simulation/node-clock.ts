import { type NodeConditions, START_MS, type World } from "./world.ts";

/** The wall clock of one node, as wrong as its conditions say. */
export class NodeClock {
  readonly #world: World;
  readonly #conditions: NodeConditions;
  #latestMs = 0;

  constructor(world: World, conditions: NodeConditions) {
    this.#world = world;
    this.#conditions = conditions;
  }

  /** Milliseconds since 1970 by this clock. */
  get nowMs(): number {
    const { clockErrorMs, clockDrift, clockSetAtMs } = this.#conditions;
    const trueMs = this.#world.clock.nowMs;
    const drifted = Math.floor(((trueMs - clockSetAtMs) * clockDrift) / 1_000);
    const now = START_MS + trueMs + clockErrorMs + drifted;
    this.#latestMs = Math.max(this.#latestMs, now);
    this.#world.latestClockMs = Math.max(this.#world.latestClockMs, now);
    return now;
  }

  /** The latest time that it has ever shown. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** Sets it to `errorMs` beside true time; it gains `drift` in a thousand from then on. */
  set(errorMs: number, drift: number): void {
    this.#conditions.clockErrorMs = errorMs;
    this.#conditions.clockDrift = drift;
    this.#conditions.clockSetAtMs = this.#world.clock.nowMs;
  }
}
