import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{primitives,consensus,ledger,node,client,bench,scripts}/**/*.test.ts"],
    globalSetup: ["./scripts/vitest-kernel.ts"],
    setupFiles: ["./scripts/vitest-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
