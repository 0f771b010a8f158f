#!/usr/bin/env node
// First of all imports: libp2p needs it before any of its own code is called.
import "./polyfill.ts";
import { runProgram } from "./cli/program.ts";

await runProgram(process.argv);
