import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from "pino";
import { invariant } from "../../primitives/assert.ts";
import { logFields, logText } from "./log-fields.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Stable name of what happened, `area.thing`: alerts and tests match on it, never on the text. */
export type LogEvent = `${string}.${string}`;

export type LogFields = Readonly<Record<string, unknown>>;

/** One line for one event, as JSON. Fields are made safe to print, whatever they hold. */
export interface Logger {
  fatal(event: LogEvent, fields?: LogFields, message?: string): void;
  error(event: LogEvent, fields?: LogFields, message?: string): void;
  warn(event: LogEvent, fields?: LogFields, message?: string): void;
  info(event: LogEvent, fields?: LogFields, message?: string): void;
  debug(event: LogEvent, fields?: LogFields, message?: string): void;
  trace(event: LogEvent, fields?: LogFields, message?: string): void;
  /** The logger of one module; its level can be set apart from the others. */
  module(name: string): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Levels of single modules, by name. */
  readonly moduleLevels?: Readonly<Record<string, LogLevel>>;
  /** Where lines go; standard output if absent. */
  readonly destination?: DestinationStream;
  /** Fields of every line: node name, chain id, software version. */
  readonly base?: LogFields;
  /** Monotonic milliseconds, for the limit on repeated lines. */
  readonly now?: () => number;
}

/** Lines of one event and level that may appear in one window; the rest is counted. */
const REPEAT_LINES = 20;
const REPEAT_WINDOW_MS = 10_000;
/** Event names are constants of the code; more than this many means that somebody builds them. */
const REPEAT_EVENTS_MAX = 1024;

interface Repeats {
  windowStart: number;
  lines: number;
  suppressed: number;
}

/** Lets the first lines of a burst through and counts the others. */
class RepeatLimit {
  readonly #now: () => number;
  readonly #events = new Map<string, Repeats>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Undefined when the line must be held back, otherwise how many were held back before it. */
  admit(key: string): number | undefined {
    const now = this.#now();
    let seen = this.#events.get(key);
    if (seen === undefined) {
      if (this.#events.size >= REPEAT_EVENTS_MAX) {
        const oldest = this.#events.keys().next();
        if (!oldest.done) this.#events.delete(oldest.value);
      }
      seen = { windowStart: now, lines: 0, suppressed: 0 };
      this.#events.set(key, seen);
    } else if (now - seen.windowStart >= REPEAT_WINDOW_MS) {
      seen.windowStart = now;
      seen.lines = 0;
    }
    if (seen.lines >= REPEAT_LINES) {
      seen.suppressed += 1;
      return undefined;
    }
    seen.lines += 1;
    const suppressed = seen.suppressed;
    seen.suppressed = 0;
    return suppressed;
  }
}

/** The root of a process's loggers: hands out module loggers, changes levels at run time. */
export class LogRoot {
  readonly #root: PinoLogger;
  readonly #repeats: RepeatLimit;
  readonly #modules = new Map<string, PinoLogger>();
  readonly #levels: Map<string, LogLevel>;
  #level: LogLevel;

  constructor(options: LoggerOptions) {
    this.#level = options.level;
    this.#levels = new Map(Object.entries(options.moduleLevels ?? {}));
    this.#repeats = new RepeatLimit(options.now ?? (() => performance.now()));
    this.#root = pino(
      {
        // Every module decides for itself; the root lets all through.
        level: "trace",
        base: { ...logFields(options.base ?? {}) },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        // Fields arrive safe to print; pino's own idea of an error must not touch them again.
        serializers: { err: (value: unknown) => value },
      },
      options.destination ?? pino.destination({ fd: 1, sync: false }),
    );
  }

  module(name: string): Logger {
    const pinoLogger = this.#pinoOf(name);
    const write = (level: LogLevel, event: LogEvent, fields?: LogFields, message?: string): void =>
      this.#write(pinoLogger, level, event, fields, message);
    return {
      fatal: (event, fields, message) => write("fatal", event, fields, message),
      error: (event, fields, message) => write("error", event, fields, message),
      warn: (event, fields, message) => write("warn", event, fields, message),
      info: (event, fields, message) => write("info", event, fields, message),
      debug: (event, fields, message) => write("debug", event, fields, message),
      trace: (event, fields, message) => write("trace", event, fields, message),
      module: (inner) => this.module(`${name}.${inner}`),
    };
  }

  /** Level of one module, or of all that have none of their own. Takes effect at once. */
  setLevel(level: LogLevel, module?: string): void {
    if (module === undefined) this.#level = level;
    else this.#levels.set(module, level);
    for (const [name, logger] of this.#modules)
      logger.level = this.#levels.get(name) ?? this.#level;
  }

  /** Writes out what is buffered; for the last moments of a process. */
  flush(): void {
    this.#root.flush();
  }

  #pinoOf(name: string): PinoLogger {
    const known = this.#modules.get(name);
    if (known !== undefined) return known;
    invariant(this.#modules.size < REPEAT_EVENTS_MAX, "log modules are named by the code");
    const child = this.#root.child({ module: logText(name) });
    child.level = this.#levels.get(name) ?? this.#level;
    this.#modules.set(name, child);
    return child;
  }

  #write(
    logger: PinoLogger,
    level: LogLevel,
    event: LogEvent,
    fields: LogFields | undefined,
    message: string | undefined,
  ): void {
    if (!logger.isLevelEnabled(level)) return;
    // The last line of a process is never held back.
    const suppressed = level === "fatal" ? 0 : this.#repeats.admit(`${level} ${event}`);
    if (suppressed === undefined) return;
    const line = fields === undefined ? {} : reservedApart(logFields(fields));
    line["event"] = logText(event);
    if (suppressed > 0) line["suppressed"] = suppressed;
    if (message === undefined) logger[level](line);
    else logger[level](line, logText(message));
  }
}

/** Names of a line's own parts: a field that carries one of them gets an underscore. */
const RESERVED = new Set(["level", "time", "msg", "module", "event", "suppressed"]);

function reservedApart(fields: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(fields)) {
    out[RESERVED.has(name) ? `${name}_` : name] = value;
  }
  return out;
}
