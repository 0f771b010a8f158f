import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { chainIdOf } from "../../ledger/genesis.ts";
import { type GenesisDocument, parseGenesis } from "../../ledger/genesis-document.ts";
import { toHex } from "../../primitives/bytes.ts";
import { CodedError } from "../../primitives/errors.ts";
import { createKeyFile, newSeed, readPassphrase } from "../../primitives/keystore.ts";
import { freePorts } from "./free-ports.ts";
import {
  INSTITUTIONS,
  localGenesis,
  MAX_SITES,
  MIN_SITES,
  sitesFor,
  type ValidatorSite,
} from "./institutions.ts";

/** One validator of a local network and where its files and listeners are. */
export interface LocalValidator extends ValidatorSite {
  /** Folder with configuration, keys, data and log. */
  readonly directory: string;
  readonly configFile: string;
  readonly peerPort: number;
  readonly rpcUrl: string;
  readonly opsUrl: string;
}

/** What `net up` wrote: the network's own description, kept in network.json. */
export interface LocalNetwork {
  readonly directory: string;
  readonly chainId: string;
  readonly genesisFile: string;
  readonly passphraseFile: string;
  readonly validators: readonly LocalValidator[];
  /** Key files of each institution: for transactions, and for governance. */
  readonly memberKeys: Readonly<Record<string, string>>;
  readonly governanceKeys: Readonly<Record<string, string>>;
}

export interface LocalNetworkOptions {
  readonly directory: string;
  readonly validators: number;
  /** Must begin with "rehearsal" for a clock offset to be allowed. */
  readonly networkName: string;
  readonly genesisTimeMs: number;
  readonly clockOffsetMs: number;
  readonly epochLengthBlocks?: number;
  readonly verificationWorkers?: number;
  readonly logLevel?: "warn" | "info" | "debug";
  readonly consensus?: Readonly<Record<string, number>>;
}

const DESCRIPTION = "network.json";
const CONSENSUS_KEY_FILE = "consensus.key.json";
const NETWORK_KEY_FILE = "network.key.json";

/**
 * Writes keys, genesis, configuration and empty data for every validator, into a directory that is
 * new or empty. What was written is removed if anything fails. Throws CodedError NODE_COUNT,
 * DIRECTORY_NOT_EMPTY.
 */
export async function createLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  const { directory } = options;
  checkCount(options.validators);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) {
    throw new CodedError(
      "DIRECTORY_NOT_EMPTY",
      `${directory} is not empty and holds no complete network: remove it, or choose another`,
      { field: "dir", got: directory, expected: "a new or an empty directory" },
    );
  }
  try {
    return await writeNetwork(options);
  } catch (error) {
    // It was empty before, so everything in it is ours.
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < MIN_SITES || count > MAX_SITES) {
    throw new CodedError(
      "NODE_COUNT",
      `--nodes: got ${count}, expected ${MIN_SITES}..${MAX_SITES}`,
      {
        field: "nodes",
        got: count,
        expected: `${MIN_SITES}..${MAX_SITES}`,
      },
    );
  }
}

async function writeNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  const { directory, networkName, genesisTimeMs, epochLengthBlocks } = options;
  const passphraseFile = join(directory, "passphrase");
  const passphrase = await createPassphrase(passphraseFile);
  await mkdir(join(directory, "members"), { recursive: true, mode: 0o700 });
  const members = await newMemberKeys(directory, "key.json", passphrase);
  const governance = await newMemberKeys(directory, "governance.key.json", passphrase);
  const sites = sitesFor(options.validators);
  const keyed = await Promise.all(
    sites.map(async (site) => ({
      ...site,
      ...(await newValidatorKeys(join(directory, "nodes", site.name), passphrase)),
    })),
  );
  const document = localGenesis({
    networkName,
    genesisTimeMs,
    ...(epochLengthBlocks === undefined ? {} : { epochLengthBlocks }),
    memberKeys: members.publicKeys,
    governanceKeys: governance.publicKeys,
    validators: keyed,
  });
  const genesis = parseGenesis(document);
  const genesisFile = join(directory, "genesis.json");
  await writeNew(genesisFile, `${JSON.stringify(document, null, 2)}\n`);
  const network: LocalNetwork = {
    directory,
    chainId: chainIdOf(genesis),
    genesisFile,
    passphraseFile,
    validators: await placeValidators(directory, sites),
    memberKeys: members.files,
    governanceKeys: governance.files,
  };
  // Loads the database: most commands read a description and do without.
  const { createStorage } = await import("../runtime/boot.ts");
  for (const validator of network.validators) {
    await writeNew(validator.configFile, configOf(validator, network, options));
    await createStorage(join(validator.directory, "data"), genesis, Date.now());
  }
  // Last: a directory without it holds no complete network.
  await writeNew(join(directory, DESCRIPTION), `${JSON.stringify(network, null, 2)}\n`);
  return network;
}

async function placeValidators(
  directory: string,
  sites: readonly ValidatorSite[],
): Promise<readonly LocalValidator[]> {
  const ports = await freePorts(3 * sites.length);
  return sites.map((site, i) => localValidator(directory, site, ports.slice(3 * i, 3 * i + 3)));
}

/** Where a node of one more validator is, and the keys that it is to be admitted with, in hex. */
export interface JoiningValidator {
  readonly validator: LocalValidator;
  readonly consensusKey: string;
  readonly networkKey: string;
}

/**
 * Keys, configuration and empty data of a node that is not in the genesis. It knows where the
 * others listen; they need not know where it does.
 */
export async function addLocalValidator(
  network: LocalNetwork,
  site: ValidatorSite,
  options: LocalNetworkOptions,
): Promise<JoiningValidator> {
  const passphrase = await readPassphrase({ file: network.passphraseFile });
  const validator = localValidator(network.directory, site, await freePorts(3));
  const keys = await newValidatorKeys(validator.directory, passphrase);
  await writeNew(validator.configFile, configOf(validator, network, options));
  const { genesis } = await readGenesisFile(network.genesisFile);
  const { createStorage } = await import("../runtime/boot.ts");
  await createStorage(join(validator.directory, "data"), genesis, Date.now());
  return { validator, ...keys };
}

/** New key files in place of a node's own, which are kept beside them. The node must be stopped. */
export async function renewLocalKeys(
  network: LocalNetwork,
  validator: LocalValidator,
): Promise<Omit<JoiningValidator, "validator">> {
  const passphrase = await readPassphrase({ file: network.passphraseFile });
  for (const name of [CONSENSUS_KEY_FILE, NETWORK_KEY_FILE]) {
    const file = join(validator.directory, name);
    await rename(file, `${file}.old`);
  }
  return newValidatorKeys(validator.directory, passphrase);
}

/** Reads back what createLocalNetwork wrote. */
export async function readLocalNetwork(directory: string): Promise<LocalNetwork> {
  let content: string;
  try {
    content = await readFile(join(directory, DESCRIPTION), "utf8");
  } catch (cause) {
    throw new CodedError(
      "NO_NETWORK",
      `${directory} holds no local network; \`mizan net up --dir ${directory}\` makes one`,
      { field: "dir", got: directory },
      { cause },
    );
  }
  // Written by createLocalNetwork into a folder of mode 0700.
  return JSON.parse(content) as LocalNetwork;
}

export async function readGenesisFile(path: string): Promise<{
  readonly document: GenesisDocument;
  readonly genesis: ReturnType<typeof parseGenesis>;
}> {
  const document: unknown = JSON.parse(await readFile(path, "utf8"));
  const genesis = parseGenesis(document);
  // parseGenesis has checked every field of the document's type.
  return { document: document as GenesisDocument, genesis };
}

function configOf(
  self: LocalValidator,
  network: LocalNetwork,
  options: LocalNetworkOptions,
): string {
  const others = network.validators.filter(({ name }) => name !== self.name);
  return stringify({
    chain: {
      genesisPath: network.genesisFile,
      genesisHash: network.chainId,
      ...(options.clockOffsetMs === 0 ? {} : { clockOffsetMs: options.clockOffsetMs }),
    },
    node: {
      name: self.name,
      dataDir: join(self.directory, "data"),
      consensusKeyFile: join(self.directory, CONSENSUS_KEY_FILE),
      networkKeyFile: join(self.directory, NETWORK_KEY_FILE),
      passphraseFile: network.passphraseFile,
    },
    net: {
      listen: [`/ip4/127.0.0.1/tcp/${self.peerPort}`],
      peers: others.map(({ name, peerPort }) => ({
        name,
        addresses: [`/ip4/127.0.0.1/tcp/${peerPort}`],
      })),
    },
    rpc: { listen: new URL(self.rpcUrl).host },
    ops: { listen: new URL(self.opsUrl).host },
    verification: { workers: options.verificationWorkers ?? 1 },
    ...(options.consensus === undefined ? {} : { consensus: options.consensus }),
    log: { level: options.logLevel ?? "info" },
  });
}

async function createPassphrase(path: string): Promise<Uint8Array> {
  await writeNew(path, `${toHex(randomBytes(24))}\n`);
  await chmod(path, 0o600);
  return readPassphrase({ file: path });
}

function localValidator(
  directory: string,
  site: ValidatorSite,
  [peerPort = 0, rpcPort = 0, opsPort = 0]: readonly number[],
): LocalValidator {
  const folder = join(directory, "nodes", site.name);
  return {
    ...site,
    directory: folder,
    configFile: join(folder, "node.toml"),
    peerPort,
    rpcUrl: `http://127.0.0.1:${rpcPort}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
  };
}

async function newValidatorKeys(folder: string, passphrase: Uint8Array) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    consensusKey: await newKey(join(folder, CONSENSUS_KEY_FILE), "consensus", passphrase),
    networkKey: await newKey(join(folder, NETWORK_KEY_FILE), "network", passphrase),
  };
}

async function newMemberKeys(directory: string, suffix: string, passphrase: Uint8Array) {
  const files: Record<string, string> = {};
  const publicKeys = new Map<string, string>();
  for (const { id } of INSTITUTIONS) {
    const file = join(directory, "members", `${id}.${suffix}`);
    files[id] = file;
    publicKeys.set(id, await newKey(file, "member", passphrase));
  }
  return { files, publicKeys };
}

async function newKey(path: string, role: string, passphrase: Uint8Array): Promise<string> {
  const seed = newSeed();
  const { publicKey } = await createKeyFile(path, { role, seed, passphrase });
  seed.fill(0);
  return toHex(publicKey);
}

function writeNew(path: string, content: string): Promise<void> {
  return writeFile(path, content, { flag: "wx", mode: 0o600 });
}
