// Run Python code on the 32-bit WebAssembly build of MicroPython.
//   node run.mjs CODE HOST_FOLDER=/FOLDER ...
// Each host folder (its .py and .mpy files, recursively) is copied into the interpreter's own file
// system first. What the code prints goes to stdout; an exception that gets out ends with code 1.
// A form feed in CODE ends one run and begins the next in the same interpreter: this build collects
// garbage only between runs, whatever gc.collect() is called for inside.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

function copy(fs, from, to) {
  fs.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== "__pycache__") copy(fs, source, target);
    else if (/\.m?py$/.test(entry.name)) fs.writeFile(target, readFileSync(source));
  }
}

const [code, ...folders] = process.argv.slice(2);
const mp = await loadMicroPython({ stdout: (line) => process.stdout.write(line + "\n") });
for (const pair of folders) {
  const cut = pair.lastIndexOf("=");
  copy(mp.FS, pair.slice(0, cut), pair.slice(cut + 1));
}
try {
  for (const part of code.split("\f")) mp.runPython(part);
} catch (error) {
  process.stdout.write(`${error}\n`);
  process.exitCode = 1;
}
