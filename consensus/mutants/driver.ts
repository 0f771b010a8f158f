import type { Mutant } from "./mutant.ts";

/** What the core relies on in the node around it: disk, bodies, verification, snapshots. */
export const DRIVER_MUTANTS: readonly Mutant[] = [
  {
    name: "bodies-not-durable-before-the-vote",
    rule: "Every batch that a header names is on disk before the verdict that lets this node vote.",
    edits: [
      {
        file: "node/runtime/ledger-application.ts",
        find: "      await this.#storeBodies(batches);\n      const evidence = headerEvidence(header.evidence);",
        replace: "      const evidence = headerEvidence(header.evidence);",
      },
    ],
    killedBy: [
      {
        file: "node/runtime/ledger-application.test.ts",
        test: "that one node builds is valid on another, with the same state after it",
      },
    ],
  },
  {
    name: "own-bodies-not-durable-before-the-proposal",
    rule: "Every batch that an own header names is on disk before it is proposed.",
    edits: [
      {
        file: "node/runtime/ledger-application.ts",
        find: "    try {\n      await this.#storeBodies(batches);\n    } catch",
        replace: "    try {\n      await Promise.resolve();\n    } catch",
      },
    ],
    killedBy: [
      {
        file: "node/runtime/ledger-application.test.ts",
        test: "that one node builds is valid on another, with the same state after it",
      },
    ],
  },
  {
    name: "state-root-not-compared",
    rule: "A block whose state root differs from the own execution is bad.",
    edits: [
      {
        file: "node/runtime/divergence.ts",
        find: "stateRoot, receiptsRoot, nextValidators: closing?.hash };",
        replace: "stateRoot: header.stateRoot, receiptsRoot, nextValidators: closing?.hash };",
      },
    ],
    killedBy: [
      { file: "node/runtime/ledger-application.test.ts", test: "with another stateRoot is bad" },
    ],
  },
  {
    name: "receipts-root-not-compared",
    rule: "A block whose receipts root differs from the own execution is bad.",
    edits: [
      {
        file: "node/runtime/divergence.ts",
        find: "stateRoot, receiptsRoot, nextValidators: closing?.hash };",
        replace: "stateRoot, receiptsRoot: header.receiptsRoot, nextValidators: closing?.hash };",
      },
    ],
    killedBy: [
      { file: "node/runtime/ledger-application.test.ts", test: "with another receiptsRoot is bad" },
    ],
  },
  {
    name: "block-executed-for-every-question",
    rule: "A block is executed once, however often the core asks.",
    edits: [
      {
        file: "node/runtime/ledger-application.ts",
        find: '    if (this.#executed.get(digest) !== undefined) return "valid";\n    const { header } = request;',
        replace: "    const { header } = request;",
      },
    ],
    killedBy: [
      {
        file: "node/runtime/ledger-application.test.ts",
        test: "is executed once, however often the core asks",
      },
    ],
  },
  {
    name: "bad-signature-delivered",
    rule: "A message with a signature that does not verify never reaches the core.",
    edits: [
      {
        file: "node/runtime/consensus-driver.ts",
        find: "      if (verdicts.includes(false)) {",
        replace: "      if (!verdicts.includes(true)) {",
      },
    ],
    killedBy: [
      {
        file: "node/runtime/consensus-driver.test.ts",
        test: "a certificate with one bad signature among good ones never reaches the core",
      },
    ],
  },
  {
    name: "sent-before-durable",
    rule: "What leaves the node waits until every record before it is on disk.",
    edits: [
      {
        file: "node/runtime/durable-outbox.ts",
        find: "    if (last === undefined) {\n      this.#ports.release(effect);",
        replace:
          '    if (last === undefined || effect.type === "broadcast") {\n      this.#ports.release(effect);',
      },
    ],
    killedBy: [
      {
        file: "node/runtime/consensus-driver.test.ts",
        test: "a certificate is durable before the vote that rests on it, the commit after both",
      },
    ],
  },
  {
    name: "failed-sync-goes-on",
    rule: "A journal that cannot be written stops the node.",
    edits: [
      {
        file: "node/runtime/durable-outbox.ts",
        find: "    } catch (error) {\n      this.#stopped = true;\n      this.#ports.fatal(error);",
        replace: "    } catch {\n      this.#segments = [];\n      this.#inFlight = 0;",
      },
    ],
    killedBy: [
      {
        file: "node/runtime/durable-outbox.test.ts",
        test: "a failed write is fatal and releases nothing",
      },
    ],
  },
  {
    name: "damaged-journal-cut-off",
    rule: "A bad record that is followed by valid ones means lost promises: the node does not start.",
    edits: [
      {
        file: "node/storage/journal-segment.ts",
        find: "    if (validRecordBeyond(bytes, offset, salt, options.maxRecordBytes, sequence)) {",
        replace:
          "    if (validRecordBeyond(bytes, offset, salt, options.maxRecordBytes, sequence) && offset < 0) {",
      },
    ],
    killedBy: [
      {
        file: "node/storage/journal-file.test.ts",
        test: "any bit flipped anywhere is refused: never a shorter journal",
      },
    ],
  },
  {
    name: "snapshot-chunk-unchecked",
    rule: "A snapshot's chunk is kept only if it has the hash that the manifest names.",
    edits: [
      {
        file: "node/snapshot/chunk-download.ts",
        find: "    if (chunkHash(reply.chunk) !== hash) {",
        replace: "    if (chunkHash(reply.chunk) === undefined) {",
      },
    ],
    killedBy: [
      {
        file: "node/snapshot/state-sync.test.ts",
        test: "a peer that sends false chunks is demoted and the chunks are taken elsewhere",
      },
    ],
  },
  {
    name: "snapshot-root-unchecked",
    rule: "A snapshot's entries have the state root of its certified header.",
    edits: [
      {
        file: "node/snapshot/state-check.ts",
        find: "  if (tree.root !== stateRoot) {",
        replace: "  if (tree.root === undefined) {",
      },
    ],
    killedBy: [
      {
        file: "node/snapshot/state-sync.test.ts",
        test: "a certified header with chunks of another state: the root finds it out",
      },
    ],
  },
  {
    name: "snapshot-certificate-unchecked",
    rule: "A snapshot's header is finalized by the set that the genesis leads to.",
    edits: [
      {
        file: "node/snapshot/manifest-check.ts",
        find: "  if (!verifyCertificate(finalization, setOf(registry, epoch), chainId, verifySodium)) {",
        replace:
          "  if (!verifyCertificate(finalization, setOf(registry, epoch), chainId, verifySodium) && epoch < 0) {",
      },
    ],
    killedBy: [
      {
        file: "node/snapshot/manifest-check.test.ts",
        test: "a finalization of too little weight, or with a broken signature, is refused",
      },
    ],
  },
  {
    name: "snapshot-set-unchecked",
    rule: "The validator set of an epoch is the one whose hash the closing header before it names.",
    edits: [
      {
        file: "node/snapshot/manifest-check.ts",
        find: "    if (nextValidators !== validatorRegistryHash(end.validators)) {",
        replace: "    if (nextValidators === undefined) {",
      },
    ],
    killedBy: [
      {
        file: "node/snapshot/manifest-check.test.ts",
        test: "a trail that names another set than the closing header is refused",
      },
    ],
  },
];
