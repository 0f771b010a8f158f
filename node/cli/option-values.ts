import { type Command, InvalidArgumentError, Option } from "commander";

/** More nodes than a network has validators are a mistake. */
const MAX_ENDPOINTS = 64;

/** Checks one value of an option; what commander then says names the option and the value. */
type Check<T> = (text: string) => T;

/** A whole number within bounds, both included. */
export function wholeNumber(least: number, most: number): Check<number> {
  return (text) => {
    const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number, ${least} to ${most}.`);
  };
}

/** `--rpc`, which may be given for several nodes: the next one answers where one does not. */
function rpcOption(): Option {
  return new Option("--rpc <url>", "RPC address of a node; repeat it to name more").argParser(
    (text: string, earlier: readonly string[] | undefined) => {
      const urls = [...(earlier ?? []), rpcUrl(text)];
      if (urls.length <= MAX_ENDPOINTS) return urls;
      throw new InvalidArgumentError(`At most ${MAX_ENDPOINTS} nodes.`);
    },
  );
}

function rpcUrl(text: string): string {
  const { protocol } = URL.canParse(text) ? new URL(text) : { protocol: "" };
  if (protocol === "http:" || protocol === "https:") return text;
  throw new InvalidArgumentError("Expected an address such as http://127.0.0.1:7680.");
}

export function addRpcOption(command: Command): Command {
  return command.addOption(rpcOption().makeOptionMandatory());
}

export function addOptionalRpcOption(command: Command): Command {
  return command.addOption(rpcOption());
}
