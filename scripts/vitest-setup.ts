import "../node/polyfill.ts";
