import { present } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import { MAX_VALIDATORS, MIN_VALIDATORS } from "../limits.ts";
import { createValidatorSet, type ValidatorSet, weightOf } from "../quorum.ts";
import type { PeerIndex } from "../types.ts";
import { validatorRegistryHash } from "../validator-registry.ts";
import type { Keyring } from "./keyring.ts";

/** Who votes in one epoch. Participants are numbered for the whole run, validators by epoch. */
export interface Electorate {
  readonly epoch: number;
  /** Participants in the order of their indices as validators. */
  readonly members: readonly number[];
  readonly set: ValidatorSet;
  /** What the closing header of the epoch before names. */
  readonly hash: string;
}

/** How the sets of a run change. */
export interface EpochPlan {
  /** An epoch ends with each height that this divides. */
  readonly period: number;
  /** Participants that take part in some epochs only; the first epoch is without them. */
  readonly spares: number;
}

/** Attempts to find a change that the rules admit; after that an epoch keeps the weights it had. */
const MAX_DRAWS = 16;

/**
 * The validator sets of a run, epoch by epoch. What a real ledger computes from its state is here a
 * function of the run's seed and the number of the epoch: the same at every node. Each change
 * shuffles the indices, so that none keeps its meaning, and now and then swaps a member, adds or
 * drops one, or moves weight; at most F of the old weight leaves or joins, and no more than F of any
 * set is Byzantine.
 */
export class EpochDirectory {
  readonly firstEpoch: number;
  readonly participants: number;
  readonly #epochs = new Map<number, Electorate>();
  readonly #changes: Changes | undefined;

  constructor(first: Electorate, changes?: Changes) {
    this.firstEpoch = first.epoch;
    this.participants = first.members.length + (changes?.plan.spares ?? 0);
    this.#changes = changes;
    this.#epochs.set(first.epoch, first);
  }

  /** One set for ever. */
  static fixed(set: ValidatorSet, epoch: number): EpochDirectory {
    const members = set.validators.map((_, index) => index);
    return new EpochDirectory({ epoch, members, set, hash: hashOf(set, members) });
  }

  of(epoch: number): Electorate {
    const known = this.#epochs.get(epoch);
    if (known !== undefined) return known;
    const drawn = present(this.#changes, "a run with epochs").draw(this.of(epoch - 1));
    this.#epochs.set(epoch, drawn);
    return drawn;
  }

  /** Whether such an epoch can be: readers of forged statements ask for any. */
  has(epoch: number): boolean {
    return this.#epochs.has(epoch);
  }

  /** Hash of the next set in the header of a closing block, undefined in any other. */
  nextValidators(epoch: number, height: number): string | undefined {
    if (this.#changes === undefined || height % this.#changes.plan.period !== 0) return undefined;
    return this.of(epoch + 1).hash;
  }

  indexOf(epoch: number, participant: number): number | undefined {
    const index = this.of(epoch).members.indexOf(participant);
    return index < 0 ? undefined : index;
  }

  /** How a core of this epoch numbers a participant: by index, or as an observer. */
  peerOf(epoch: number, participant: number): PeerIndex {
    const { members } = this.of(epoch);
    return this.indexOf(epoch, participant) ?? members.length + participant;
  }

  participantOf(epoch: number, peer: PeerIndex): number {
    const { members } = this.of(epoch);
    return members[peer] ?? peer - members.length;
  }

  weightOf(epoch: number, participant: number): number {
    const index = this.indexOf(epoch, participant);
    return index === undefined ? 0 : weightOf(this.of(epoch).set, index);
  }
}

interface Seat {
  readonly participant: number;
  readonly weight: number;
}

/** Draws each epoch's set from the one before. */
export class Changes {
  readonly plan: EpochPlan;
  readonly #prng: Prng;
  readonly #keyring: Keyring;
  readonly #byzantine: readonly number[];
  readonly #participants: readonly number[];

  constructor(
    plan: EpochPlan,
    prng: Prng,
    keyring: Keyring,
    byzantine: readonly number[],
    participants: number,
  ) {
    this.plan = plan;
    this.#prng = prng;
    this.#keyring = keyring;
    this.#byzantine = byzantine;
    this.#participants = Array.from({ length: participants }, (_, i) => i);
  }

  draw(before: Electorate): Electorate {
    const epoch = before.epoch + 1;
    const prng = this.#prng.fork(`epoch ${epoch}`);
    const old: readonly Seat[] = before.members.map((participant, index) => ({
      participant,
      weight: weightOf(before.set, index),
    }));
    for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
      const seats = this.#change(old, prng);
      if (this.#isAdmissible(old, seats, before.set.faultBound)) return this.#elect(epoch, seats);
    }
    return this.#elect(epoch, prng.shuffle([...old]));
  }

  #change(old: readonly Seat[], prng: Prng): readonly Seat[] {
    const outside = this.#participants.filter((id) => old.every((seat) => seat.participant !== id));
    let seats = [...old];
    if (prng.chance(0.5)) seats.splice(prng.below(seats.length), 1);
    if (prng.chance(0.6) && outside.length > 0) {
      seats.push({ participant: prng.pick(outside), weight: 1 });
    }
    if (seats.length >= 6 && prng.chance(0.3)) {
      const heavier = prng.below(seats.length);
      seats = seats.map((seat, i) =>
        i === heavier ? { ...seat, weight: 1 + prng.below(3) } : seat,
      );
    }
    return prng.shuffle(seats);
  }

  #isAdmissible(old: readonly Seat[], seats: readonly Seat[], faultBound: number): boolean {
    const sum = (of: readonly Seat[]): number => of.reduce((all, { weight }) => all + weight, 0);
    const missing = (from: readonly Seat[], to: readonly Seat[]): number =>
      from.reduce((lost, { participant, weight }) => {
        const kept = to.find((seat) => seat.participant === participant)?.weight ?? 0;
        return lost + Math.max(0, weight - kept);
      }, 0);
    const total = sum(seats);
    const traitors = sum(seats.filter(({ participant }) => this.#byzantine.includes(participant)));
    return (
      seats.length >= MIN_VALIDATORS &&
      seats.length <= MAX_VALIDATORS &&
      seats.every(({ weight }) => 3 * weight < total) &&
      Math.max(missing(old, seats), missing(seats, old)) <= faultBound &&
      traitors <= Math.floor((total - 1) / 3)
    );
  }

  #elect(epoch: number, seats: readonly Seat[]): Electorate {
    const members = seats.map(({ participant }) => participant);
    const set = createValidatorSet(
      seats.map(({ participant, weight }) => ({
        publicKey: this.#keyring.publicKey(participant),
        weight,
      })),
    );
    return { epoch, members, set, hash: hashOf(set, members) };
  }
}

function hashOf(set: ValidatorSet, members: readonly number[]): string {
  return validatorRegistryHash(
    set.validators.map(({ publicKey, weight }, index) => ({
      publicKey,
      networkKey: publicKey,
      weight,
      name: `node ${members[index]}`,
      member: `member ${members[index]}`,
    })),
  );
}

/** Ends an epoch every few blocks, with one spare for each full four validators. */
export function drawEpochPlan(size: number, prng: Prng): EpochPlan {
  return { period: 3 + prng.below(8), spares: Math.max(1, Math.floor(size / 4)) };
}
