// Trains 784-256-256-10 on digits by this library and by TensorFlow.js, in turns: the same batches, Adam on both sides.
// Sets window.result when it is done. SPDX-License-Identifier: MIT
import * as mf from './monoforward/monoforward.js';
import {SIZE, randomNumbers, render, vary} from './monoforward/page/images.js';
import {drawDigit} from './monoforward/page/starter.js';

const INPUTS = SIZE * SIZE, WIDTH = 256, CLASSES = 10, BATCHES = 32, RATE = 0.001;
const {rows, rounds} = Object.fromEntries(
    [...new URLSearchParams(location.search)].map(([name, value]) => [name, Number(value)]));
const tf = globalThis.tf;

// The last batch is for testing.
function makeBatches() {
    const random = randomNumbers(1);
    return Array.from({length: BATCHES + 1}, () => {
        const x = new Float32Array(rows * INPUTS), y = Int32Array.from({length: rows}, (_, i) => i % CLASSES);
        y.forEach((digit, i) =>
            vary(render(drawDigit(digit, random)), x.subarray(i * INPUTS, (i + 1) * INPUTS), random));
        return {x, y};
    });
}

class Ours {
    constructor() {
        const layer = (inputs, seed) => new mf.Layer({inputs, outputs: WIDTH, classes: CLASSES, seed});
        this.network = new mf.Network([layer(INPUTS, 1), layer(WIDTH, 2)]);
        this.network.setOptimizer(new mf.Optimizer({learning_rate: RATE}));
        this.workspace = new mf.Workspace(this.network, rows);
    }

    async step({x, y}) {
        this.network.step(this.workspace, x, y);
        return this.workspace.report(1).loss;
    }

    predict({x}) {
        return this.network.predict(this.workspace, mf.constants.MF_PREDICT_LAST, x);
    }
}

class Theirs {
    constructor() {
        const dense = (units, activation, more) => tf.layers.dense({units, activation, ...more});
        this.model = tf.sequential({layers: [dense(WIDTH, 'relu', {inputShape: [INPUTS]}), dense(WIDTH, 'relu'),
            dense(CLASSES, 'softmax')]});
        this.model.compile({optimizer: tf.train.adam(RATE), loss: 'categoricalCrossentropy'});
        this.tensors = new Map(); // of each batch: made before the clock runs
    }

    prepare(batches) {
        for (const batch of batches)
            this.tensors.set(batch, [tf.tensor2d(batch.x, [rows, INPUTS]), tf.oneHot(tf.tensor1d(batch.y, 'int32'), CLASSES)]);
    }

    step(batch) {
        return this.model.trainOnBatch(...this.tensors.get(batch));
    }

    predict(batch) {
        return tf.tidy(() => this.model.predict(this.tensors.get(batch)[0]).argMax(1)).dataSync();
    }
}

// Milliseconds that one pass over the batches takes.
async function pass(side, batches) {
    const start = performance.now();
    for (const batch of batches.slice(0, BATCHES))
        await side.step(batch);
    return performance.now() - start;
}

function accuracy(side, batch) {
    const predicted = side.predict(batch);
    return batch.y.filter((label, i) => label === predicted[i]).length / rows;
}

function median(values) {
    return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

// The fastest of the backends that work here, after one pass to get warm.
async function fastest(batches) {
    const times = {};
    let best = null;
    for (const backend of ['wasm', 'webgl', 'cpu']) {
        try {
            if (!await tf.setBackend(backend))
                throw new Error('not here');
            const side = new Theirs();
            side.prepare(batches);
            await side.step(batches[0]);
            const start = performance.now();
            for (const batch of batches.slice(1, 5))
                await side.step(batch);
            times[backend] = (performance.now() - start) / 4;
            if (best === null || times[backend] < times[best])
                best = backend;
        } catch (error) {
            times[backend] = error.message;
        }
    }
    await tf.setBackend(best);
    return [best, times];
}

async function measure() {
    tf.wasm.setWasmPaths('./node_modules/@tensorflow/tfjs-backend-wasm/dist/');
    const batches = makeBatches(), [backend, times] = await fastest(batches);
    const ours = new Ours(), theirs = new Theirs(), pairs = [];
    theirs.prepare(batches);
    theirs.predict(batches[BATCHES]); // warms up what is compiled late
    for (let round = 0; round <= rounds; round++) {
        const pair = [await pass(ours, batches), await pass(theirs, batches)];
        if (round > 0) // the first is for warming up
            pairs.push(pair);
    }
    const test = batches[BATCHES];
    return {
        tfjs: tf.version.tfjs, backend, times, rows,
        ours: median(pairs.map(([a]) => a)) / BATCHES, theirs: median(pairs.map(([, b]) => b)) / BATCHES,
        ratio: median(pairs.map(([a, b]) => b / a)),
        ratioOfLeast: Math.min(...pairs.map(([, b]) => b)) / Math.min(...pairs.map(([a]) => a)), // on a busy machine
        accuracy: [accuracy(ours, test), accuracy(theirs, test)],
    };
}

globalThis.result = await measure().catch(error => ({error: `${error.stack}`}));
