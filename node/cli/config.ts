import type { Command } from "commander";
import { printConfig } from "../config/print.ts";
import { Output } from "./output.ts";
import { addConfigOptions, configFrom } from "./start.ts";

export function addConfigCommands(program: Command): void {
  const config = program.command("config").description("look at a node's configuration");
  addConfigOptions(config.command("show"))
    .description("print every effective value and where it comes from; secrets stay hidden")
    .action(async (flags: Parameters<typeof configFrom>[0], command: Command) => {
      const loaded = await configFrom(flags);
      Output.of(command).result(
        { hash: loaded.hash, values: Object.fromEntries(loaded.shown) },
        () => printConfig(loaded),
      );
    });
  addConfigOptions(config.command("check"))
    .description("list every problem of the configuration; exit code 2 if there is one")
    .action(async (flags: Parameters<typeof configFrom>[0], command: Command) => {
      const loaded = await configFrom(flags);
      Output.of(command).result({ ok: true, hash: loaded.hash }, () => `ok, ${loaded.hash}`);
    });
}
