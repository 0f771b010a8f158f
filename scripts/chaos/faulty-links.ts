import { connect, createServer, type Server, type Socket } from "node:net";
import { present } from "../../primitives/assert.ts";
import { DelayedPipe } from "./delayed-pipe.ts";
import type { ValidatorIndex } from "./fault.ts";
import { allClear, type LinkRule, type LinkRules } from "./link-rules.ts";
import type { SeededRandom } from "./seeded-random.ts";

interface Connection {
  readonly dialer: ValidatorIndex;
  readonly target: ValidatorIndex;
  readonly inbound: Socket;
  /** Undefined while the cut keeps the connection from being made. */
  outbound: Socket | undefined;
  pipes: readonly DelayedPipe[];
}

/**
 * A TCP proxy for every ordered pair of validators: the address that one has of another leads
 * through here, so each direction of each link can be cut, delayed or made lossy while both
 * processes run. Needs no privileges and works alike on every machine.
 */
export class FaultyLinks {
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #random: SeededRandom;
  #rules: LinkRules = allClear;

  private constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** One listener a pair; `peerPorts` are where the validators themselves listen. */
  static async open(peerPorts: readonly number[], random: SeededRandom): Promise<FaultyLinks> {
    const links = new FaultyLinks(random);
    for (const dialer of peerPorts.keys()) {
      for (const [target, port] of peerPorts.entries()) {
        if (dialer !== target) await links.#listen(dialer, target, port);
      }
    }
    return links;
  }

  /** The port under which `dialer` reaches `target`. */
  portOf(dialer: ValidatorIndex, target: ValidatorIndex): number {
    return present(this.#ports.get(`${dialer}>${target}`), "port of a link");
  }

  /** New rules for all links, open connections included. */
  apply(rules: LinkRules): void {
    this.#rules = rules;
    for (const connection of this.#connections) {
      if (connection.outbound === undefined) this.#connect(connection);
      for (const pipe of connection.pipes) pipe.release();
    }
  }

  heal(): void {
    this.apply(allClear);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const { inbound, outbound } of this.#connections) {
      inbound.destroy();
      outbound?.destroy();
    }
  }

  #listen(dialer: ValidatorIndex, target: ValidatorIndex, targetPort: number): Promise<void> {
    const server = createServer({ noDelay: true }, (inbound) => {
      const connection: Connection = { dialer, target, inbound, outbound: undefined, pipes: [] };
      this.#connections.add(connection);
      inbound.on("error", () => inbound.destroy());
      inbound.once("close", () => {
        if (connection.outbound === undefined) this.#connections.delete(connection);
      });
      this.#connect(connection);
    });
    this.#servers.push(server);
    this.#targetPorts.set(target, targetPort);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        if (address === null || typeof address === "string") return reject(new Error("no port"));
        this.#ports.set(`${dialer}>${target}`, address.port);
        resolve();
      });
    });
  }

  readonly #targetPorts = new Map<ValidatorIndex, number>();

  /** A connection needs both directions: its first packets go there and back. */
  #connect(connection: Connection): void {
    const { dialer, target, inbound } = connection;
    if (inbound.destroyed) return;
    const there = (): LinkRule => this.#rules(dialer, target);
    const back = (): LinkRule => this.#rules(target, dialer);
    if (there().blocked || back().blocked) return;
    const port = present(this.#targetPorts.get(target), "port of a validator");
    const outbound = connect({ port, host: "127.0.0.1", noDelay: true });
    connection.outbound = outbound;
    outbound.once("close", () => this.#connections.delete(connection));
    const unit = (): number => this.#random.unit();
    connection.pipes = [
      new DelayedPipe({ source: inbound, sink: outbound, rule: there, unit }),
      new DelayedPipe({ source: outbound, sink: inbound, rule: back, unit }),
    ];
  }
}
