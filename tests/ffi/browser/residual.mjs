// The example for Node, examples/bindings/node/residual.js, with the WebAssembly in place of its binding, which has the same
// names: node residual.mjs FOLDER RESIDUAL.JS. SPDX-License-Identifier: MIT
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, example] = process.argv.slice(2).map(name => path.resolve(name));
const mf = await import(pathToFileURL(path.join(folder, 'monoforward.js')));

// Files are bytes here.
class Network extends mf.Network {
    static load(name) {
        return mf.Network.load(readFileSync(name));
    }

    save(name) {
        writeFileSync(name, super.save());
    }
}

const require = createRequire(example), binding = require.resolve('./monoforward.js');
require.cache[binding] = {id: binding, filename: binding, loaded: true, exports: {...mf.constants, ...mf, Network}};
require(example);
