/**
 * libp2p 3 calls `Promise.withResolvers`, which Node has from 22 on; Mizan supports Node 20.19.
 * This module must be imported before any call into libp2p: it is the first import of every entry
 * point (the CLI, the test setup, the benchmarks).
 */
if (typeof Promise.withResolvers !== "function") {
  Promise.withResolvers = function withResolvers<T>(): PromiseWithResolvers<T> {
    let resolve: PromiseWithResolvers<T>["resolve"] = () => {};
    let reject: PromiseWithResolvers<T>["reject"] = () => {};
    const promise = new Promise<T>((res, rej) => {
      resolve = res;
      reject = rej;
    });
    return { promise, resolve, reject };
  };
}
