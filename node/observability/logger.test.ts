import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodedError } from "../../primitives/errors.ts";
import { LOG_TEXT_MAX, logText } from "./log-fields.ts";
import { type LogLevel, LogRoot } from "./logger.ts";

interface Written {
  readonly lines: string[];
  readonly root: LogRoot;
  readonly clock: { now: number };
}

function logs(level: LogLevel = "trace", moduleLevels: Record<string, LogLevel> = {}): Written {
  const lines: string[] = [];
  const clock = { now: 0 };
  const root = new LogRoot({
    level,
    moduleLevels,
    destination: { write: (line) => void lines.push(line) },
    base: { node: "v0" },
    now: () => clock.now,
  });
  return { lines, root, clock };
}

function fieldsOf(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? "") as Record<string, unknown>;
}

/** What no log line may hold: anything that is not plain print, but for the newline at its end. */
const NOT_PRINT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("a line", () => {
  it("is one JSON object with level, time, module, event and the base fields", () => {
    const { lines, root } = logs();
    root.module("api").info("rpc.listening", { port: 1 }, "up");
    expect(lines).toHaveLength(1);
    expect(fieldsOf(lines[0])).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      node: "v0",
      module: "api",
      event: "rpc.listening",
      port: 1,
      msg: "up",
    });
  });

  it("prints bigints and bytes without loss, and errors with code and a short stack", () => {
    const { lines, root } = logs();
    const err = new CodedError(
      "DB_IO",
      "disk",
      { height: 2n ** 53n + 1n },
      { cause: new Error("EIO") },
    );
    root.module("m").error("db.failed", {
      amount: 2n ** 53n + 1n,
      key: new Uint8Array([0xab, 0x01]),
      when: new Date(0),
      odd: Number.NaN,
      err,
      other: { thrown: err },
    });
    const fields = fieldsOf(lines[0]);
    expect(fields).toMatchObject({
      amount: "9007199254740993",
      key: "ab01",
      when: "1970-01-01T00:00:00.000Z",
      odd: "NaN",
      err: {
        type: "CodedError",
        code: "DB_IO",
        message: "disk",
        data: { height: "9007199254740993" },
        cause: { type: "Error", message: "EIO" },
      },
      other: { thrown: { code: "DB_IO" } },
    });
    expect((fields["err"] as { stack: string[] }).stack.length).toBeLessThanOrEqual(8);
  });

  it.each([
    '\n{"level":"error","event":"forged"}',
    "\r\n\r\nHTTP/1.1 200",
    "\u001b[31mred\u001b[0m",
    "\u0085next\u2028line\u2029paragraph",
    "\u202etxet\u202c \u200b\ufeff",
    "\ud800 lone",
    "\u0000\u007f\u009b",
  ])("stays one line of plain print with %j in every place", (text) => {
    const { lines, root } = logs();
    const hostile = JSON.parse(`{"__proto__":${JSON.stringify(text.toWellFormed())}}`) as object;
    root
      .module(text)
      .warn(
        `a.${text}`,
        { [text]: text, nested: { [text]: [text] }, err: new Error(text), hostile },
        text,
      );
    expect(lines).toHaveLength(1);
    const line = lines[0] ?? "";
    expect(line.endsWith("\n")).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(NOT_PRINT);
    expect(fieldsOf(line)["level"]).toBe("warn");
  });

  it("is one line of bounded length whatever the fields are", () => {
    const { lines, root, clock } = logs();
    fc.assert(
      fc.property(
        fc.object({ withBigInt: true, withTypedArray: true, withDate: true }),
        (fields) => {
          lines.length = 0;
          clock.now += 60_000;
          root.module("m").info("x.y", fields as Record<string, unknown>);
          expect(lines).toHaveLength(1);
          expect((lines[0] ?? "").slice(0, -1)).not.toMatch(NOT_PRINT);
          expect(fieldsOf(lines[0])["event"]).toBe("x.y");
        },
      ),
      { numRuns: 300 },
    );
  });

  it("keeps its own parts apart from fields of the same name", () => {
    const { lines, root } = logs();
    root
      .module("m")
      .info("x.y", { level: "fatal", event: "forged", time: 0, msg: "no", module: "z" });
    expect(fieldsOf(lines[0])).toMatchObject({
      level: "info",
      event: "x.y",
      module: "m",
      level_: "fatal",
      event_: "forged",
    });
  });

  it("prints a message as it is, without reading directives in it", () => {
    const { lines, root } = logs();
    root.module("m").info("x.y", {}, "100% %s %d %o");
    expect(fieldsOf(lines[0])["msg"]).toBe("100% %s %d %o");
  });
});

describe("bounds", () => {
  it("cap every text, list, object and depth", () => {
    const { lines, root } = logs();
    const deep = { a: { b: { c: { d: { e: { f: 1 } } } } } };
    root.module("m").info("x.y", {
      text: "x".repeat(10_000),
      escaped: "\u0000".repeat(200),
      list: Array.from({ length: 1_000 }, (_, i) => i),
      wide: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i])),
      bytes: new Uint8Array(100_000),
      deep,
      map: new Map([[1, 2]]),
    });
    const fields = fieldsOf(lines[0]);
    expect(String(fields["text"])).toHaveLength(LOG_TEXT_MAX + 1);
    expect(String(fields["escaped"]).length).toBeLessThanOrEqual(LOG_TEXT_MAX + 1);
    expect(fields["list"]).toHaveLength(33);
    expect(Object.keys(fields["wide"] as object)).toHaveLength(33);
    expect(JSON.stringify(fields["deep"])).toContain("[deep]");
    expect(fields["map"]).toBe("[1 entries]");
    expect(lines[0]?.length).toBeLessThan(4_000);
  });

  it("survive what refuses to be printed", () => {
    const { lines, root } = logs();
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const trap = {
      get bad(): string {
        throw new Error("getter");
      },
      toJSON(): never {
        throw new Error("toJSON");
      },
    };
    root.module("m").info("x.y", { cycle, trap, call: () => 1, symbol: Symbol("s") });
    expect(lines).toHaveLength(1);
    expect(fieldsOf(lines[0])["call"]).toBe("[function]");
  });

  it("cap text before and after escaping", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        const shown = logText(text);
        expect(shown.length).toBeLessThanOrEqual(LOG_TEXT_MAX + 1);
        expect(shown).not.toMatch(NOT_PRINT);
      }),
    );
  });
});

describe("secrets", () => {
  it.each([
    "passphrase",
    "password",
    "seed",
    "seedHex",
    "clientSecret",
    "privateKey",
    "private_key",
    "Authorization",
    "set-cookie",
    "apiKey",
    "mnemonic",
    "bearerToken",
    "token",
  ])("never print the value of %s, at any depth", (name) => {
    const { lines, root } = logs();
    root.module("m").info("x.y", { [name]: "hunter2", nested: { [name]: new Uint8Array([1]) } });
    expect(lines[0]).not.toContain("hunter2");
    expect(fieldsOf(lines[0])).toMatchObject({
      [name]: "[redacted]",
      nested: { [name]: "[redacted]" },
    });
  });
});

describe("repeats", () => {
  it("are held back beyond the first twenty of a window, and counted", () => {
    const { lines, root, clock } = logs();
    const log = root.module("net");
    for (let i = 0; i < 100; i++) log.warn("peer.bad-frame", { i });
    log.info("peer.connected");
    expect(lines).toHaveLength(21);
    clock.now = 10_000;
    log.warn("peer.bad-frame", { i: 100 });
    expect(fieldsOf(lines.at(-1))).toMatchObject({ i: 100, suppressed: 80 });
    log.warn("peer.bad-frame", { i: 101 });
    expect(fieldsOf(lines.at(-1))["suppressed"]).toBeUndefined();
  });

  it("never hold back the last words of a process", () => {
    const { lines, root } = logs();
    for (let i = 0; i < 50; i++) root.module("m").fatal("process.ends", { i });
    expect(lines).toHaveLength(50);
  });
});

describe("levels", () => {
  it("are set for one module or for all others, at run time", () => {
    const { lines, root } = logs("info", { consensus: "debug" });
    const [api, consensus] = [root.module("api"), root.module("consensus")];
    api.debug("a.b");
    consensus.debug("a.c");
    root.setLevel("debug", "api");
    api.debug("a.d");
    root.setLevel("error");
    root.module("net").warn("a.e");
    api.debug("a.f");
    expect(lines.map((line) => fieldsOf(line)["event"])).toEqual(["a.c", "a.d", "a.f"]);
  });

  it("belong to a module by its name, however often it is asked for", () => {
    const { lines, root } = logs("error");
    const inner = root.module("net").module("dialer");
    root.setLevel("trace", "net.dialer");
    inner.trace("dial.started");
    expect(fieldsOf(lines[0])["module"]).toBe("net.dialer");
  });
});
