import { createValidatorSet, type ValidatorSet } from "../../consensus/quorum.ts";
import type { PeerIndex } from "../../consensus/types.ts";
import {
  currentEpochOf,
  pendingChangesOf,
  setOfHash,
  validatorsOfEpoch,
} from "../../ledger/closing.ts";
import type { Validator } from "../../ledger/state/validator-set.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { equalBytes } from "../../primitives/bytes.ts";
import { MAX_PEERS, UNKNOWN_NUMBER } from "../net/limits.ts";
import type { MeshPeer } from "../net/mesh-api.ts";

/** The core knows peers without a vote by numbers from here on, above every index of a set. */
const FIRST_OBSERVER = 1_000;

/** Epochs for which a validator that left is still served, so that it may follow the chain. */
const FOLLOWING_EPOCHS = 2;

/** What this node is, by its keys. */
export interface OwnKeys {
  readonly consensusKey: Uint8Array;
  readonly networkKey: Uint8Array;
}

/**
 * Who votes in the current epoch, who talks to whom, and what this node is among them. The mesh
 * and the batches know validators by number, votes by index in the epoch's set; this translates.
 */
export interface Roster {
  readonly epoch: number;
  /** Height of the epoch's first block. */
  readonly startHeight: number;
  readonly setHash: string;
  readonly members: readonly Validator[];
  readonly set: ValidatorSet;
  /** Own index, by the consensus key; undefined for an observer. */
  readonly self: number | undefined;
  /** Own number, by the network key; UNKNOWN_NUMBER where the chain knows none (yet). */
  readonly ownNumber: number;
  /** Weight of each validator, by number. */
  readonly weights: ReadonlyMap<number, number>;
  /** Whom to talk to: validators, those that join, those that left lately. */
  readonly peers: readonly Omit<MeshPeer, "addresses">[];
  /** How the core knows this peer. */
  indexOf(number: number): PeerIndex;
  /** The peers behind an index of the core: mostly one, two while a network key is changed. */
  numbersOf(index: PeerIndex): readonly number[];
}

/** Of the epoch that the block after this state belongs to. */
export function rosterOf(state: StateReader, own: OwnKeys): Roster {
  const { epoch, startHeight, setHash } = currentEpochOf(state);
  const members = setOfHash(state, setHash);
  const identities = identitiesOf(state, epoch, members);
  const isOwn = ({ networkKey }: Identity): boolean => equalBytes(networkKey, own.networkKey);
  const indexes = new Map<number, number>();
  for (const { number, index } of identities) if (index !== undefined) indexes.set(number, index);
  const self = members.findIndex(({ publicKey }) => equalBytes(publicKey, own.consensusKey));
  return {
    epoch,
    startHeight,
    setHash,
    members,
    set: createValidatorSet(members.map(({ publicKey, weight }) => ({ publicKey, weight }))),
    self: self < 0 ? undefined : self,
    ownNumber: identities.find(isOwn)?.number ?? UNKNOWN_NUMBER,
    weights: new Map(members.map(({ number, weight }) => [number, weight])),
    peers: identities
      .slice(0, MAX_PEERS)
      .map(({ number, name, networkKey }) => ({ index: number, name, networkKey })),
    indexOf: (number) => indexes.get(number) ?? FIRST_OBSERVER + number,
    numbersOf: (index) =>
      index >= FIRST_OBSERVER
        ? [index - FIRST_OBSERVER]
        : [...indexes].filter(([, each]) => each === index).map(([number]) => number),
  };
}

interface Identity {
  readonly number: number;
  readonly name: string;
  readonly networkKey: Uint8Array;
  /** Index of the validator that it speaks for. */
  readonly index: number | undefined;
}

function identitiesOf(
  state: StateReader,
  epoch: number,
  members: readonly Validator[],
): readonly Identity[] {
  const current = members.map(
    ({ number, name, networkKey }, index): Identity => ({ number, name, networkKey, index }),
  );
  const joining = pendingChangesOf(state).flatMap(({ name, number, networkKey, consensusKey }) => {
    if (number === undefined || networkKey === undefined) return [];
    // A validator that changes its network key alone may vote from the new identity already.
    const index = members.findIndex((member) => member.name === name);
    const speaks = index >= 0 && consensusKey === undefined;
    return [{ number, name, networkKey, index: speaks ? index : undefined }];
  });
  const known = new Set([...current, ...joining].map(({ number }) => number));
  const names = new Set(members.map(({ name }) => name));
  const left: Identity[] = [];
  for (let back = 1; back <= Math.min(FOLLOWING_EPOCHS, epoch); back++) {
    for (const { number, name, networkKey } of validatorsOfEpoch(state, epoch - back) ?? []) {
      // A key that was replaced may be in other hands.
      if (known.has(number) || names.has(name)) continue;
      known.add(number);
      left.push({ number, name, networkKey, index: undefined });
    }
  }
  return [...current, ...joining, ...left];
}
