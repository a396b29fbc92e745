// Starts CPython, compiled to WebAssembly, and calls `main` of `inside.py`; see `run.py`.
//
//     node run.mjs FOLDER ROOT PATH ARGUMENT...
//
// FOLDER has `node_modules/pyodide`. It and ROOT are seen from within at the paths that they have
// outside; PATH is the module search path, with colons between.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, root, path, ...args] = process.argv.slice(2);
const pyodide = createRequire(`${folder}/`).resolve("pyodide/pyodide.mjs");
const { loadPyodide } = await import(pathToFileURL(pyodide));

async function mount(FS) {
    for (const path of [folder, root]) {
        FS.mkdirTree(path);
        FS.mount(FS.filesystems.NODEFS, { root: path }, path);
    }
}

try {
    const env = { HOME: "/home/pyodide", PYTHONPATH: path };
    const python = await loadPyodide({ fsInit: mount, env });
    python.FS.chdir(root);
    const { main } = python.pyimport("inside");
    process.exitCode = await main.callPromising(python.toPy(args)); // so that event loops can wait
} catch (error) {
    console.error(error.message); // less the line of source, which is the whole interpreter
    process.exitCode = 2;
}
