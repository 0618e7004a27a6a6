// Bundles the page: scripts, one stylesheet, one document. The only argument is the directory that they go into.
import { build } from "esbuild";
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../src/roost/assets/page"));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.tsx" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  outdir: target,
  jsx: "automatic",
  jsxImportSource: "preact",
  chunkNames: "part-[hash]",
  logLevel: "warning",
});
await cp(join(here, "src/index.html"), join(target, "index.html"));
await cp(join(here, "src/icon.svg"), join(target, "icon.svg"));
