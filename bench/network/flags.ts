import { InvalidArgumentError } from "commander";

/** A parser of options: a whole number from `least` to `most`. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number, ${least} to ${most}`);
  };
}

/** A parser of options: such numbers, separated by commas. */
export function wholes(least: number, most: number): (list: string) => readonly number[] {
  const parse = whole(least, most);
  return (list) => list.split(",").map((part) => parse(part));
}
