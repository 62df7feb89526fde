// Trains a small network from Node, and checks what a binding has to get right besides: errors, a callback
// into JavaScript, memory that is given back, and a model file.
//
//     npm install --ignore-scripts koffi && node --expose-gc examples/bindings/node/spirals.js
//
// SPDX-License-Identifier: MIT
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const mf = require('./monoforward.js');

const CLASSES = 3;
const WIDTH = 64;
const STEPS = 400; // one layer after the other on each batch
const BATCHES = 100; // both layers at the same time
const ROWS = 96;
const TEST_ROWS = 1200;
const LEAST = 98; // percent

// The problem, the same in every language of these examples: which of three spiral arms is a point on? The
// generator is Marsaglia's xorshift: three lines in any language, and the same numbers in all of them.
class Points {
    #state;

    constructor(state) {
        this.#state = state;
    }

    #unit() {
        this.#state ^= this.#state << 13;
        this.#state ^= this.#state >>> 17;
        this.#state ^= this.#state << 5;
        return (this.#state >>> 8) / 2 ** 24;
    }

    draw(rows) {
        const twist = 4.0; // radians from the inner end of an arm to the outer one
        const spread = 0.8; // width of an arm in radians; the next one begins 2.1 further on
        const x = new Float32Array(2 * rows), y = new Int32Array(rows);
        for (let i = 0; i < rows; i++) {
            y[i] = i % CLASSES;
            const radius = 0.1 + 0.9 * this.#unit();
            const angle = 2 * Math.PI * y[i] / CLASSES + twist * radius + spread * (this.#unit() - 0.5);
            x[2 * i] = radius * Math.cos(angle);
            x[2 * i + 1] = radius * Math.sin(angle);
        }
        return [x, y];
    }
}

const points = new Points(1);
const optimizer = new mf.Optimizer({learning_rate: 0.01});
const layers = [2, WIDTH].map((inputs, i) =>
    new mf.Layer({inputs, outputs: WIDTH, classes: CLASSES, seed: i + 1}));
const network = new mf.Network(layers);
network.setOptimizer(optimizer);
const workspace = new mf.Workspace(network, TEST_ROWS);

function train() {
    for (let i = 0; i < STEPS; i++)
        network.step(workspace, ...points.draw(ROWS));
}

// A callback: the pipeline reports every layer's loss to a function of JavaScript.
function refine() {
    let reports = 0, loss = 0;
    mf.oneBlasThread();
    optimizer.set(mf.MF_OPTIMIZER_LEARNING_RATE, 0.002);
    const pipeline = new mf.Pipeline(network, {workers: 2, max_batch: ROWS}, report => {
        reports++;
        loss += report.loss / (2 * BATCHES);
    });
    for (let i = 0; i < BATCHES; i++)
        pipeline.submit(...points.draw(ROWS));
    pipeline.flush();
    pipeline.dispose();
    assert.equal(reports, 2 * BATCHES);
    return {reports, loss};
}

// A callback that throws stops its pipeline; the exception comes out of the call that it happened in.
function interrupt() {
    const batch = points.draw(ROWS);
    const enough = new Error('enough');
    const pipeline = new mf.Pipeline(network, {workers: 1, max_batch: ROWS}, () => { throw enough; });
    assert.throws(() => {
        pipeline.submit(...batch);
        pipeline.flush();
    }, error => error === enough);
    fails(mf.MF_STATUS_STATE, () => pipeline.submit(...batch));
    pipeline.dispose();
    fails(mf.MF_STATUS_HANDLE, () => pipeline.flush());
}

// A callback stops its pipeline by returning true; a value that is no answer is a mistake.
function stop() {
    const batch = points.draw(ROWS);
    for (const [answer, status] of [[true, mf.MF_STATUS_STATE], [false, null], [undefined, null], [1, TypeError]]) {
        const pipeline = new mf.Pipeline(network, {workers: 0, max_batch: ROWS}, () => answer);
        const learn = () => {
            pipeline.submit(...batch);
            pipeline.flush();
        };
        if (status === null)
            learn();
        else if (status === TypeError)
            assert.throws(learn, TypeError);
        else
            fails(status, learn);
        pipeline.dispose();
    }
}

// An error path: the function fails, for this reason.
function fails(status, call) {
    let failure;
    assert.throws(call, error => {
        failure = error;
        return error instanceof mf.MonoforwardError && error.status === status && error.message !== '';
    });
    return failure;
}

// A label that does not exist is refused, and nothing has changed.
function offend() {
    const [x, y] = points.draw(ROWS);
    const before = layers[0].parameter('weight');
    y[ROWS - 1] = CLASSES;
    const failure = fails(mf.MF_STATUS_LABEL, () => network.step(workspace, x, y));
    assert.equal(before.length, 2 * WIDTH);
    assert.deepEqual(layers[0].parameter('weight'), before, 'a refused batch has changed the weights');
    fails(mf.MF_STATUS_SHAPE, () => network.step(workspace, x.subarray(1), y));
    fails(mf.MF_STATUS_NOT_FOUND, () => layers[0].parameter('no such'));
    assert.throws(() => network.step(workspace, new Float64Array(x), y), TypeError);
    assert.throws(() => new mf.Layer({inputs: 2, no_such: 1}), TypeError);
    return failure;
}

// An option that is undefined is as if it were not there; what is no such number is refused by name, not rounded.
function choose() {
    const good = {inputs: 2, outputs: 4, classes: CLASSES};
    const layer = new mf.Layer({...good, bias: undefined, activation: undefined, seed: 2n ** 63n});
    assert.deepEqual(layer.parameterNames(), ['weight', 'bias', 'projection']);
    const {activation, seed} = new mf.Network([layer]).describe(0);
    assert.deepEqual([activation, seed], [mf.MF_ACTIVATION_RELU, 2n ** 63n]);
    const refused = [['outputs', 4.7, RangeError], ['outputs', NaN, RangeError], ['outputs', -1, RangeError],
        ['bias', 2 ** 32, RangeError], ['seed', 2 ** 64, RangeError], ['leak', NaN, RangeError],
        ['activation', 'relu', TypeError], ['bias', null, TypeError], ['leak', 1n, TypeError],
        ['kernel', [3], TypeError], ['kernel', 3, TypeError], ['kernel', [3, undefined], TypeError],
        ['kernel', [3, 1.5], RangeError], ['allocator', 7, TypeError], ['allocator', 7n, TypeError]];
    for (const [name, value, type] of refused) {
        assert.throws(() => new mf.Layer({...good, [name]: value}),
            error => error instanceof type && error.message.startsWith(`${name} is `));
    }
    assert.throws(() => new mf.Layer({...good, no_such: undefined}), TypeError);
    assert.throws(() => new mf.Workspace(network, 1.5), /^RangeError: max_batch is 1.5/);
    assert.throws(() => new mf.Builder([3, 8.5, 8]), RangeError);
    const x = Float32Array.of(0, 0);
    for (const [name, call] of [['the position', number => network.describe(number)],
        ['the position', number => workspace.report(number)], ['the number of rows', number => network.summary(number)],
        ['the key', number => optimizer.set(number, 1)], ['the mode', number => network.predict(workspace, number, x)],
        ['the mode', number => network.probabilities(workspace, number, x)]]) {
        for (const [value, type] of [[0.5, RangeError], [NaN, RangeError], [2 ** 64, RangeError], [null, TypeError],
            ['0', TypeError]]) {
            assert.throws(() => call(value),
                error => error instanceof type && error.message.startsWith(`${name} is ${value}`));
        }
    }
    assert.throws(() => optimizer.set(mf.MF_OPTIMIZER_LEARNING_RATE, 'fast'), TypeError);
}

function accuracy(x, y) {
    network.evaluate(workspace, x, y);
    const report = workspace.report();
    return 100 * report.correct / report.rows;
}

// Bytes are the floats that they stand for, whether one divides by 255 or scales and shifts.
function compareBytes() {
    const bytes = Uint8Array.from({length: 2 * ROWS}, (_, i) => 37 * i % 256);
    const labels = new Int32Array(ROWS).map((_, i) => i % CLASSES);
    const scaled = {scale: 0.0078125, shift: -127.5};
    const floats = [Float32Array.from(bytes, byte => byte / 255), Float32Array.from(bytes,
        byte => (byte + scaled.shift) * scaled.scale)];
    const room = new mf.Workspace(network, ROWS, mf.MF_WORKSPACE_INFERENCE + mf.MF_WORKSPACE_CONVERT);
    [undefined, scaled].forEach((scaling, i) => {
        assert.deepEqual(network.probabilities(room, mf.MF_PREDICT_SUM, bytes, scaling),
            network.probabilities(workspace, mf.MF_PREDICT_SUM, floats[i]));
        assert.deepEqual(network.predict(room, mf.MF_PREDICT_SUM, bytes, scaling),
            network.predict(workspace, mf.MF_PREDICT_SUM, floats[i]));
        network.evaluate(room, bytes, labels, scaling);
        network.evaluate(workspace, floats[i], labels);
        assert.deepEqual(room.report(), workspace.report());
    });
    fails(mf.MF_STATUS_STATE, () => network.step(workspace, bytes, labels));
    fails(mf.MF_STATUS_SHAPE, () => network.evaluate(room, bytes.subarray(1), labels));
    assert.throws(() => network.evaluate(room, bytes, labels, 0.5), /^TypeError: the options are 0.5/);
    assert.throws(() => network.evaluate(room, bytes, labels, {scales: 0.5}), /^TypeError: there is no option scales/);
}

// A model file: the network that it holds answers alike.
function reload(x) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'spirals-'));
    try {
        const file = path.join(folder, 'model.safetensors');
        network.save(file);
        const loaded = mf.Network.load(file);
        for (const call of [name => network.save(name), mf.Network.load])
            assert.throws(() => call(`${file}\0.old`), /^TypeError: a character 0 within a text/);
        const answers = loaded.probabilities(new mf.Workspace(loaded, TEST_ROWS), mf.MF_PREDICT_SUM, x);
        assert.deepEqual(answers, network.probabilities(workspace, mf.MF_PREDICT_SUM, x));
        return 'same';
    } finally {
        fs.rmSync(folder, {recursive: true});
    }
}

// What was disposed of is refused, also where no object would mean something; in the network its optimizer goes on.
function giveUp() {
    const batch = points.draw(ROWS);
    optimizer.dispose();
    fails(mf.MF_STATUS_HANDLE, () => network.setOptimizer(optimizer));
    assert.throws(() => network.setOptimizer({learning_rate: 0.1}), TypeError);
    network.step(workspace, ...batch);
    network.dispose();
    network.dispose();
    fails(mf.MF_STATUS_HANDLE, () => new mf.Workspace(network, ROWS));
}

// The garbage collector frees what nobody disposes of: callbacks too, of which there are some thousand at
// most.
async function forget() {
    const pause = () => new Promise(resolve => setImmediate(resolve));
    for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 500; j++)
            new mf.Pipeline(network, {workers: 0, max_batch: 1});
        globalThis.gc();
        await pause();
    }
}

// The plane as the network sees it.
function draw() {
    const columns = 48, lines = 24;
    const x = new Float32Array(2 * columns * lines);
    for (let i = 0; i < columns * lines; i++) {
        x[2 * i] = 2 * (i % columns + 0.5) / columns - 1;
        x[2 * i + 1] = 1 - 2 * (Math.floor(i / columns) + 0.5) / lines;
    }
    const labels = network.predict(workspace, mf.MF_PREDICT_SUM, x);
    for (let i = 0; i < lines; i++)
        console.log(Array.from(labels.subarray(i * columns, (i + 1) * columns), label => '.o#'[label]).join(''));
}

async function main() {
    train();
    const {reports, loss} = refine();
    stop();
    interrupt();
    const failure = offend();
    choose();
    compareBytes();
    const [x, y] = new Points(2).draw(TEST_ROWS);
    const percent = accuracy(x, y);
    const file = reload(x);
    if (globalThis.gc)
        await forget();
    draw();
    giveUp();
    console.log(`result example=ffi-node version=${mf.version()} accuracy=${percent.toFixed(2)} ` +
        `loss=${loss.toFixed(4)} reports=${reports} refused=${failure.statusName} model_file=${file}`);
    assert.ok(percent >= LEAST, `an accuracy of at least ${LEAST}% was expected`);
}

main();
