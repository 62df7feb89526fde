// What bits.c does, by the WebAssembly in FOLDER: node bits.mjs FOLDER. SPDX-License-Identifier: MIT
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const folder = pathToFileURL(path.resolve(process.argv[2])).href;
const mf = await import(`${folder}/monoforward.js`);
const {randomNumbers} = await import(`${folder}/page/images.js`);
const INPUTS = 37, WIDTH = 50, CLASSES = 5, ROWS = 24, STEPS = 60;
const {MF_ACTIVATION_RELU, MF_ACTIVATION_TANH} = mf.constants;

const random = randomNumbers(1);
const network = new mf.Network([MF_ACTIVATION_RELU, MF_ACTIVATION_TANH].map((activation, i) => new mf.Layer(
    {inputs: i === 0 ? INPUTS : WIDTH, outputs: WIDTH, classes: CLASSES, activation, seed: i + 1})));
network.setOptimizer(new mf.Optimizer());
const workspace = new mf.Workspace(network, ROWS);
for (let step = 0; step < STEPS; step++) {
    const x = Float32Array.from({length: ROWS * INPUTS}, random);
    network.step(workspace, x, Int32Array.from({length: ROWS}, () => random() * 2 ** 24 % CLASSES));
}
const model = network.save();
const hash = model.reduce((sum, byte) => Math.imul(sum ^ byte, 16777619) >>> 0, 2166136261);
console.log(`${model.length} bytes, ${hash.toString(16).padStart(8, '0')}`);
