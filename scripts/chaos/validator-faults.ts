import { RpcClient } from "../../client/rpc-client.ts";
import { Participants } from "../../node/demo/participants.ts";
import { ValidatorChanges } from "../../node/local-network/testing/validator-changes.ts";
import { present } from "../../primitives/assert.ts";
import { fromHex } from "../../primitives/bytes.ts";
import { SNAPSHOT_EVERY_BLOCKS } from "./chaos-network.ts";
import type { ValidatorIndex } from "./fault.ts";
import { type FaultField, RECOVERY_LIMIT_MS } from "./fault-field.ts";

const POLL_MS = 100;

/**
 * Who validates is changed three times under load, by the governance of the ledger: one more joins,
 * which takes a snapshot for its beginning, one leaves and follows, one has its keys rotated.
 */
export async function changeValidators(field: FaultField, rotator: ValidatorIndex): Promise<void> {
  const standstill = field.watch.measureStandstill();
  const work = await ChangeOfValidators.open(field);
  await work.join();
  await work.leave();
  await work.rotate(rotator);
  field.note(`no new block for ${standstill().toFixed(1)} s at most, looked at ten times a second`);
  await field.recover();
}

class ChangeOfValidators {
  readonly #field: FaultField;
  readonly #changes: ValidatorChanges;
  /** A node that stays in the set and is not touched. */
  readonly #serving: RpcClient;
  #epoch: number;

  private constructor(field: FaultField, changes: ValidatorChanges, epoch: number) {
    this.#field = field;
    this.#changes = changes;
    this.#serving = clientOf(field, 0);
    this.#epoch = epoch;
  }

  static async open(field: FaultField): Promise<ChangeOfValidators> {
    const { network } = field;
    const urls = network.indices().map((i) => network.validator(i).rpcUrl);
    const parties = await Participants.open(network.network, urls, field.signal);
    const { epoch } = await clientOf(field, 0).call("chain.validators", {});
    const changes = new ValidatorChanges(network.network, parties);
    return new ChangeOfValidators(field, changes, Number(epoch));
  }

  async join(): Promise<void> {
    const { network, watch } = this.#field;
    const { index, validator, consensusKey, networkKey } = await network.addValidator();
    const { name, member } = validator;
    await this.#changes.propose({
      action: "ADMIT",
      name,
      member,
      consensusKey: fromHex(consensusKey),
      networkKey: fromHex(networkKey),
      weight: 1,
    });
    // Its peers know it only from here on, and so does the snapshot that it is to begin with.
    const snapshotAt = watch.tip + SNAPSHOT_EVERY_BLOCKS + 1;
    await this.#until(`block ${snapshotAt}`, async () => watch.tip >= snapshotAt);
    await network.start(index);
    watch.follow(index);
    if (!(await this.#field.comesToTip(index))) {
      this.#field.problem(`${name} does not come to the tip: ${watch.describe()}`);
    }
    const { earliestHeight } = await clientOf(this.#field, index).call("chain.info", {});
    if (Number(earliestHeight) > 1) {
      this.#field.note(`${name} began with a snapshot of block ${Number(earliestHeight) - 1}`);
    } else {
      this.#field.problem(`${name} did not begin with a snapshot`);
    }
    await this.#changes.declareReady(validator);
    await this.#nextEpoch();
    await this.#votes(index);
  }

  async leave(): Promise<void> {
    const { network, watch } = this.#field;
    const index = network.indices().find((i) => network.validator(i).member === "CUSTODIAN-A");
    const { name, member } = network.validator(present(index, "the validator of a custodian"));
    await this.#changes.propose({ action: "REMOVE", name, member });
    await this.#nextEpoch();
    const { validators } = await this.#serving.call("chain.validators", {});
    if (validators.some((validator) => validator.name === name)) {
      this.#field.problem(`${name} is still in the set of epoch ${this.#epoch}`);
    }
    const mark = watch.tip;
    await this.#until(`${name} follows`, async () => {
      return (watch.head(present(index, "its index"))?.height ?? 0) > mark + 2;
    });
    this.#field.note(`${name} has left and follows`);
  }

  async rotate(index: ValidatorIndex): Promise<void> {
    const { network } = this.#field;
    const validator = network.validator(index);
    const { name, member } = validator;
    await network.stop(index);
    const keys = await network.renewKeys(index);
    await this.#changes.propose({
      action: "ROTATE",
      name,
      member,
      consensusKey: fromHex(keys.consensusKey),
      networkKey: fromHex(keys.networkKey),
    });
    await network.start(index);
    if (!(await this.#field.comesToTip(index))) {
      this.#field.problem(`${name} does not come to the tip with its new keys`);
    }
    await this.#changes.declareReady(validator);
    await this.#nextEpoch();
    await this.#votes(index);
  }

  async #nextEpoch(): Promise<void> {
    const { network } = this.#field;
    this.#epoch += 1;
    const clients = network.indices().map((i) => clientOf(this.#field, i));
    await this.#until(`all nodes are in epoch ${this.#epoch}`, async () => {
      const found = await Promise.all(clients.map((each) => each.call("chain.validators", {})));
      return found.every(({ epoch }) => Number(epoch) === this.#epoch);
    });
  }

  async #votes(index: ValidatorIndex): Promise<void> {
    const name = this.#field.network.name(index);
    const epoch = this.#epoch;
    await this.#until(`${name} votes in epoch ${epoch}`, () =>
      this.#changes.hasVoted(this.#serving, name, epoch),
    );
    this.#field.note(`${name} votes in epoch ${epoch}`);
  }

  /** Throws when it takes longer than any recovery may. */
  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + RECOVERY_LIMIT_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
      await this.#field.hold(POLL_MS);
    }
  }
}

function clientOf(field: FaultField, index: ValidatorIndex): RpcClient {
  return new RpcClient({ endpoints: [field.network.validator(index).rpcUrl] });
}
