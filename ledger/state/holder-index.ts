import { present } from "../../primitives/assert.ts";
import { type Infer, list, optional, record, uint } from "../../primitives/codec/schema.ts";
import { HOLDER_PAGE_ENTRIES, MAX_HOLDER_PAGES } from "../limits.ts";
import { accountId, assetId } from "../types.ts";
import type { LedgerState } from "./ledger-state.ts";
import { Table } from "./table.ts";

const pageSchema = record({
  asset: assetId,
  page: uint(),
  /** Sorted, at least one. */
  accounts: list(accountId, HOLDER_PAGE_ENTRIES),
});
export type HolderPage = Infer<typeof pageSchema>;

const directorySchema = record({
  asset: assetId,
  nextPage: uint(),
  /** Pages in order. `from` is a bound: no account of the page sorts before it; none on the first. */
  pages: list(record({ page: uint(), from: optional(accountId) }), MAX_HOLDER_PAGES),
});
export type HolderDirectory = Infer<typeof directorySchema>;

export function holderPageId(asset: string, page: number): string {
  return `${asset}/${String(page).padStart(10, "0")}`;
}

export const holderPageTable = new Table<HolderPage>({
  name: "holder-page",
  schema: pageSchema,
  idOf: ({ asset, page }) => holderPageId(asset, page),
  remember: true,
});

export const holderDirectoryTable = new Table<HolderDirectory>({
  name: "holders",
  schema: directorySchema,
  idOf: ({ asset }) => asset,
  remember: true,
});

/** Lists an account among the holders of a security; false when the list is full. */
export function addHolder(state: LedgerState, asset: string, account: string): boolean {
  const directory = directoryOf(state, asset);
  const at = placeOf(directory, account);
  const entry = directory.pages[at];
  if (entry === undefined) {
    const page = directory.nextPage;
    state.of(holderPageTable).put({ asset, page, accounts: [account] });
    const pages = [{ page, from: undefined }];
    state.of(holderDirectoryTable).put({ asset, nextPage: page + 1, pages });
    return true;
  }
  const { page } = entry;
  const held = pageOf(state, asset, page).accounts;
  if (held.includes(account)) return true;
  const accounts = [...held, account].toSorted();
  if (accounts.length <= HOLDER_PAGE_ENTRIES) {
    state.of(holderPageTable).put({ asset, page, accounts });
    return true;
  }
  if (directory.pages.length >= MAX_HOLDER_PAGES) return false;
  const half = accounts.length >> 1;
  const added = directory.nextPage;
  state.of(holderPageTable).put({ asset, page, accounts: accounts.slice(0, half) });
  state.of(holderPageTable).put({ asset, page: added, accounts: accounts.slice(half) });
  const pages = directory.pages.toSpliced(at + 1, 0, { page: added, from: accounts[half] });
  state.of(holderDirectoryTable).put({ asset, nextPage: added + 1, pages });
  return true;
}

/** Takes an account off the list; nothing happens when it is not on it. */
export function removeHolder(state: LedgerState, asset: string, account: string): void {
  const directory = directoryOf(state, asset);
  const at = placeOf(directory, account);
  const entry = directory.pages[at];
  if (entry === undefined) return;
  const held = pageOf(state, asset, entry.page).accounts;
  const accounts = held.filter((other) => other !== account);
  if (accounts.length === held.length) return;
  if (accounts.length > 0) {
    state.of(holderPageTable).put({ asset, page: entry.page, accounts });
    return;
  }
  state.of(holderPageTable).remove(holderPageId(asset, entry.page));
  const left = directory.pages.toSpliced(at, 1);
  // The first page takes whatever sorts before the others.
  const pages = left.map((page, i) => (i === 0 ? { ...page, from: undefined } : page));
  if (pages.length === 0) state.of(holderDirectoryTable).remove(asset);
  else state.of(holderDirectoryTable).put({ ...directory, pages });
}

/** The next `limit` holders that sort behind an account (from the first one for undefined). */
export function holdersAfter(
  state: LedgerState,
  asset: string,
  account: string | undefined,
  limit: number,
): readonly string[] {
  const directory = directoryOf(state, asset);
  const out: string[] = [];
  let at = account === undefined ? 0 : placeOf(directory, account);
  while (out.length < limit) {
    const entry = directory.pages[at];
    if (entry === undefined) break;
    for (const held of pageOf(state, asset, entry.page).accounts) {
      if (out.length === limit) break;
      if (account === undefined || held > account) out.push(held);
    }
    at += 1;
  }
  return out;
}

function directoryOf(state: LedgerState, asset: string): HolderDirectory {
  return state.of(holderDirectoryTable).get(asset) ?? { asset, nextPage: 0, pages: [] };
}

function pageOf(state: LedgerState, asset: string, page: number): HolderPage {
  return present(state.of(holderPageTable).get(holderPageId(asset, page)), `holders of ${asset}`);
}

/** The last page whose bound is not behind the account. */
function placeOf({ pages }: HolderDirectory, account: string): number {
  let [low, high] = [1, pages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const from = present(pages[middle], "page in the middle").from ?? "";
    if (from <= account) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, Math.min(low, pages.length) - 1);
}
