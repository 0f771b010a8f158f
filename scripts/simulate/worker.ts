import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { type Chunk, runChunk } from "./chunk.ts";

/**
 * One process of a campaign: runs the chunks that its parent sends and answers each with what came
 * of it. It ends when the parent does.
 */
installNativeHashing();
// Refusals are errors by the thousand; nobody reads their stacks here.
Error.stackTraceLimit = 0;
process.on("message", (chunk: Chunk) => process.send?.(runChunk(chunk)));
process.on("disconnect", () => process.exit(0));
