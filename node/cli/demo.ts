import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { formatFixed } from "../../primitives/decimal.ts";
import { AUCTION } from "../demo/auction-sheet.ts";
import { FX_RATE_E4, ISIN, type RehearsalReport, rehearse } from "../demo/rehearsal.ts";
import { createLocalNetwork } from "../local-network/network-files.ts";
import {
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import { Output, table } from "./output.ts";

const NODES = 4;

/** 4 March 2021, 09:30 in Karachi: the settlement date of the auction. */
const REHEARSAL_START_MS = Date.UTC(2021, 2, 4, 4, 30);

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("settle a real government bond auction on four validators, one of them killed")
    .option("--dir <directory>", "where to keep the network's files; a new one is made and removed")
    .action(async (flags: { dir?: string }, command: Command) => {
      const output = Output.of(command);
      const parent =
        flags.dir === undefined ? await mkdtemp(join(tmpdir(), "mizan-demo-")) : undefined;
      const directory = parent === undefined ? resolve(flags.dir ?? "") : join(parent, "net");
      try {
        output.progress(`making keys and genesis for ${NODES} validators`);
        const network = await createLocalNetwork({
          directory,
          validators: NODES,
          networkName: "rehearsal-pib-2021-03",
          genesisTimeMs: REHEARSAL_START_MS,
          // A second behind, so that the first block is later than the genesis.
          clockOffsetMs: REHEARSAL_START_MS + 1_000 - Date.now(),
        });
        try {
          for (const validator of network.validators) await startValidator(validator);
          for (const validator of network.validators) await waitUntilReady(validator);
          output.progress(`${network.validators.map(({ name }) => name).join(", ")} are ready`);
          const report = await rehearse(network, (line) => output.progress(line));
          output.result(report, () => describe(report));
        } finally {
          await Promise.all(network.validators.map(stopValidator));
        }
      } finally {
        if (parent !== undefined) await rm(parent, { recursive: true, force: true });
      }
    });
}

function describe(report: RehearsalReport): string {
  const million = (paisa: bigint): string => formatFixed((paisa + 50_000n) / 100_000n, 3);
  const { totals, killed, proof } = report;
  const rows = report.rows.map((row) => [
    String(row.row),
    row.buyer,
    million(row.face),
    formatFixed(row.priceE4, 4),
    million(row.clean),
    million(row.accrued),
    million(row.clean + row.accrued),
    String(row.height),
    `${Math.round(row.milliseconds)} ms`,
  ]);
  const times = report.rows.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return [
    "",
    `${AUCTION.name}, settled on ${AUCTION.settlementDate} (rehearsal clock)`,
    `The ISIN ${ISIN} is made up and the exchange rate of ${formatFixed(BigInt(FX_RATE_E4), 4)} PKR per USD is`,
    "illustrative. Bidders are not public: odd rows buy through custodian A, even rows through B.",
    "Amounts in PKR million; price per 100 of face; time from submission to finality.",
    "",
    table(
      [
        ["row", "buyer", "face", "price", "realised", "accrued", "total paid", "block", "finality"],
        ...rows,
        [
          "",
          "total",
          formatFixed(totals.face, 3),
          "",
          formatFixed(totals.realised, 3),
          formatFixed(totals.accrued, 3),
          formatFixed(totals.total, 3),
          "",
          `${Math.round(times[Math.floor(times.length / 2)] ?? 0)} ms median`,
        ],
      ],
      [0, 2, 3, 4, 5, 6, 7, 8],
    ),
    "",
    "Every row and the totals equal the published figures; the postings on the ledger sum to them.",
    `${killed.name} was killed with SIGKILL after row ${killed.afterRow}; settlement went on. Restarted, it caught up in ${(killed.caughtUpMs / 1000).toFixed(1)} s.`,
    "",
    table([
      ["node", "height", "state root"],
      ...report.roots.map(({ name, height, stateRoot }) => [name, String(height), stateRoot]),
    ]),
    "",
    `Proof of holding, checked offline against the genesis alone: ${proof.account} held`,
    `${formatFixed(proof.face, 2)} PKR face of ${ISIN} at block ${proof.height}.`,
    "All validators are stopped.",
  ].join("\n");
}
