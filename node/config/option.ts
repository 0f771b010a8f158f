import { type Static, type TSchema, Type } from "typebox";

/** What a text means beyond its pattern; decides further checks and how it is prepared. */
export type TextForm = "path" | "address" | "listener" | "loopback-listener";

export interface ScalarOption<S extends TSchema = TSchema> {
  readonly kind: "scalar";
  readonly type: "text" | "integer" | "choice";
  readonly schema: S;
  readonly about: string;
  /** What is admitted, in words. */
  readonly expected: string;
  readonly form?: TextForm;
  /** The value is not shown: it could be a secret that was put there by mistake. */
  readonly hidden?: boolean;
  readonly fallback?: Static<S>;
}

export interface ListOption<S extends TSchema = TSchema> {
  readonly kind: "list";
  readonly item: ScalarOption<S>;
  readonly min: number;
  readonly max: number;
  readonly about: string;
  readonly fallback?: readonly Static<S>[];
}

export type Fields = Readonly<Record<string, ScalarOption | ListOption>>;

export interface TablesOption<F extends Fields = Fields> {
  readonly kind: "tables";
  readonly fields: F;
  readonly max: number;
  readonly about: string;
  readonly fallback: readonly [];
}

export type Option = ScalarOption | ListOption | TablesOption;
export type Section = Readonly<Record<string, Option>>;
export type Sections = Readonly<Record<string, Section>>;

export type ValueOf<O> =
  O extends ScalarOption<infer S>
    ? Static<S>
    : O extends ListOption<infer S>
      ? readonly Static<S>[]
      : O extends TablesOption<infer F>
        ? readonly { readonly [K in keyof F]: ValueOf<F[K]> }[]
        : never;

export type ValuesOf<S> = {
  readonly [Name in keyof S]: { readonly [K in keyof S[Name]]: ValueOf<S[Name][K]> };
};

interface TextRules {
  readonly expected: string;
  readonly pattern?: RegExp;
  readonly maxLength?: number;
  readonly form?: TextForm;
  readonly hidden?: boolean;
  readonly fallback?: string;
}

/** Longer than any path or address that a system takes. */
const MAX_TEXT = 4096;

export function text(about: string, rules: TextRules) {
  const { expected, pattern, maxLength = MAX_TEXT, ...rest } = rules;
  const schema = Type.String({
    minLength: 1,
    maxLength,
    ...(pattern === undefined ? {} : { pattern: pattern.source }),
  });
  return { kind: "scalar", type: "text", schema, about, expected, ...rest } as const;
}

export function integer(about: string, minimum: number, maximum: number, fallback: number) {
  const schema = Type.Integer({ minimum, maximum });
  const expected = `an integer ${minimum}..${maximum}`;
  return { kind: "scalar", type: "integer", schema, about, expected, fallback } as const;
}

export function choice<const V extends readonly string[]>(
  about: string,
  values: V,
  fallback: V[number],
) {
  const schema = Type.Unsafe<V[number]>(Type.Enum([...values]));
  const expected = `one of ${values.join(", ")}`;
  return { kind: "scalar", type: "choice", schema, about, expected, fallback } as const;
}

/** A path; a relative one counts from the directory of the file, or from the working directory. */
export function path(about: string, rules: { readonly hidden?: boolean } = {}) {
  return text(about, { expected: "a path", form: "path", ...rules });
}
