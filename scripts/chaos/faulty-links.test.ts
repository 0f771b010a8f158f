import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { FaultyLinks } from "./faulty-links.ts";
import { cutOff, oneWay } from "./link-rules.ts";
import { SeededRandom } from "./seeded-random.ts";

let servers: Server[] = [];
let accepted: Socket[] = [];
let links: FaultyLinks;

/** Two validators that send back what they get. */
beforeEach(async () => {
  accepted = [];
  servers = [0, 1].map(() =>
    createServer((socket) => {
      accepted.push(socket);
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    }),
  );
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // A server that listens on TCP has an address.
    ports.push((server.address() as AddressInfo).port);
  }
  links = await FaultyLinks.open(ports, new SeededRandom(1, "test"));
});

afterEach(() => {
  links.close();
  for (const socket of accepted) socket.destroy();
  for (const server of servers) server.close();
});

function dial(): Socket {
  return connect(links.portOf(0, 1), "127.0.0.1");
}

async function read(socket: Socket, bytes: number): Promise<string> {
  let text = "";
  while (text.length < bytes) {
    const [chunk]: unknown[] = await once(socket, "data");
    text += String(chunk);
  }
  return text;
}

/** Gives what must not arrive the time to arrive; nothing that must arrive depends on it. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

test("bytes come through in order, far more of them than are held at once", async () => {
  const socket = dial();
  const sent = Array.from({ length: 400_000 }, (_, i) => `${i},`).join("");
  socket.write(sent);
  expect(await read(socket, sent.length)).toBe(sent);
  socket.destroy();
});

test("a cut holds bytes back and a healed link delivers them", async () => {
  const socket = dial();
  socket.write("a");
  expect(await read(socket, 1)).toBe("a");
  links.apply(cutOff([0]));
  socket.write("b");
  let heard = "";
  socket.on("data", (bytes: Buffer) => {
    heard += bytes.toString();
  });
  await settle();
  expect(heard).toBe("");
  links.heal();
  await expect.poll(() => heard).toBe("b");
  socket.destroy();
});

test("a one-way cut delivers one direction only", async () => {
  const socket = dial();
  socket.write("a");
  await read(socket, 1);
  links.apply(oneWay(1, "sent"));
  let received = "";
  let echoed = "";
  present(accepted[0], "connection").on("data", (bytes: Buffer) => {
    received += bytes.toString();
  });
  socket.on("data", (bytes: Buffer) => {
    echoed += bytes.toString();
  });
  socket.write("b");
  await expect.poll(() => received).toBe("b");
  await settle();
  expect(echoed).toBe("");
  socket.destroy();
});

test("a connection begun during a cut reaches the other side when the link is whole", async () => {
  links.apply(cutOff([0]));
  const socket = dial();
  socket.write("x");
  await settle();
  expect(accepted).toHaveLength(0);
  links.heal();
  expect(await read(socket, 1)).toBe("x");
  socket.destroy();
});

test("the end of a connection crosses a cut only when it is healed", async () => {
  const socket = dial();
  socket.write("a");
  await read(socket, 1);
  const peer = present(accepted[0], "connection");
  links.apply(cutOff([0]));
  socket.destroy();
  await settle();
  expect(peer.destroyed).toBe(false);
  const closed = once(peer, "close");
  links.heal();
  await closed;
  expect(peer.destroyed).toBe(true);
});
