import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { freePorts, PORT_RANGE } from "./free-ports.ts";

describe("free ports", () => {
  test("differ, and lie where no outgoing connection takes them", async () => {
    const ports = await freePorts(30);
    expect(new Set(ports).size).toBe(30);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(PORT_RANGE.first);
      expect(port).toBeLessThanOrEqual(PORT_RANGE.last);
    }
  });

  test("can be listened on afterwards", async () => {
    for (const port of await freePorts(3)) {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", resolve);
      });
      expect(server.listening).toBe(true);
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("none is asked for, none is given", async () => {
    expect(await freePorts(0)).toEqual([]);
  });
});
