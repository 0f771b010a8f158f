import { isTable } from "./check-value.ts";
import { describeOrigin } from "./config-error.ts";
import type { LoadedConfig } from "./load.ts";

/**
 * The effective configuration as TOML, with the source of every value as a comment. What is hidden
 * stays hidden, so it can go into a ticket.
 */
export function printConfig(loaded: LoadedConfig): string {
  const lines = [`# configuration ${loaded.hash}`];
  let section = "";
  for (const [path, value] of loaded.shown) {
    const [name = "", key = ""] = path.split(".");
    if (name !== section) lines.push("", `[${name}]`);
    section = name;
    const origin = loaded.origins.get(path);
    const source = origin === undefined ? "" : ` # ${oneLine(describeOrigin(origin))}`;
    lines.push(`${key} = ${tomlValue(value)}${source}`);
  }
  return `${lines.join("\n")}\n`;
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (isTable(value)) {
    const fields = Object.entries(value).map(([key, field]) => `${key} = ${tomlValue(field)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return typeof value === "string" ? tomlText(value) : String(value);
}

/** A TOML basic string; JSON writes DEL bare, which TOML does not admit. */
function tomlText(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}|[\u2028\u2029]/gu, "?");
}
