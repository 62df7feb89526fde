// Networks that answer for positions have labels and scores for each of them, files come as bytes of any kind, options and
// arguments that are no numbers and what was disposed of are refused, and so are networks that the page cannot ask:
// node answers.mjs FOLDER MODELS, where make_models has been. SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, models] = process.argv.slice(2);
const mf = await import(pathToFileURL(path.resolve(folder, 'monoforward.js')));
const {Learner} = await import(pathToFileURL(path.resolve(folder, 'page/learner.js')));
const {MF_PREDICT_LAST, MF_STATUS_FORMAT, MF_STATUS_HANDLE, MF_STATUS_SHAPE, MF_ACTIVATION_RELU,
    MF_OPTIMIZER_LEARNING_RATE} = mf.constants;
const POSITIONS = 100, CLASSES = 10, ROWS = 2;
const read = name => readFile(path.join(models, name));

// ---- answers for positions ----
const network = mf.Network.load(await read('positions.safetensors'));
assert.deepEqual(network.goodnessShape(0), [POSITIONS, CLASSES]);
network.setOptimizer(new mf.Optimizer({learning_rate: 0.01}));
const workspace = new mf.Workspace(network, ROWS);
// The same in both rows, but for the sign.
const x = Float32Array.from({length: ROWS * POSITIONS}, (_, i) => (i < POSITIONS ? 1 : -1) * (i % POSITIONS - 50) / 50);
const y = Int32Array.from(x, value => value > 0 ? 3 : 7);
const fails = (status, call) => assert.throws(call, error => error.status === status);
const misfits = call => fails(MF_STATUS_SHAPE, call);
for (const learn of [(...batch) => network.step(...batch), (...batch) => network.evaluate(...batch)]) {
    misfits(() => learn(workspace, x, y.slice(0, ROWS)));
    misfits(() => learn(workspace, x.slice(0, POSITIONS), y));
    misfits(() => learn(workspace, x, y.slice(1)));
}
for (let step = 0; step < 300; step++)
    network.step(workspace, x, y);
network.evaluate(workspace, x, y);
const {rows, correct} = workspace.report(0);
assert.equal(rows, ROWS * POSITIONS);
assert.ok(correct >= 190, `${correct} of ${rows} are right`);

const labels = network.predict(workspace, MF_PREDICT_LAST, x);
const shares = network.probabilities(workspace, MF_PREDICT_LAST, x);
assert.equal(labels.length, ROWS * POSITIONS);
assert.equal(shares.length, ROWS * POSITIONS * CLASSES);
assert.equal(labels.filter((label, i) => label === y[i]).length, correct);
labels.forEach((label, i) => {
    const mine = shares.slice(i * CLASSES, (i + 1) * CLASSES);
    assert.equal(label, mine.indexOf(Math.max(...mine)));
    assert.ok(Math.abs(mine.reduce((sum, share) => sum + share) - 1) < 1e-5);
});

// ---- bytes ----
const padded = new Uint8Array(network.save().length + 3), bytes = padded.subarray(3);
bytes.set(network.save());
for (const each of [bytes, new DataView(padded.buffer, 3), bytes.slice().buffer]) // fetch() and files give an ArrayBuffer
    assert.deepEqual(mf.Network.load(each).save(), bytes);
for (const each of [padded.buffer, new ArrayBuffer(0), undefined, 'text'])
    fails(MF_STATUS_FORMAT, () => mf.Network.load(each));

// ---- options and arguments ----
const good = {inputs: 2, outputs: 4, classes: 3};
const plain = new mf.Network([new mf.Layer({...good, bias: undefined, activation: undefined, seed: 2n ** 53n})]);
const {bias, activation, seed} = plain.describe(0);
assert.deepEqual([bias, activation, seed], [1, MF_ACTIVATION_RELU, 2 ** 53]);
assert.deepEqual(plain.goodnessShape(0), [3]);
for (const [given, told] of [[7n, 7], [2n ** 53n + 1n, 2n ** 53n + 1n], [2n ** 64n - 1n, 2n ** 64n - 1n]]) {
    const drawn = new mf.Network([new mf.Layer({...good, seed: given})]), {seed} = drawn.describe(0);
    assert.equal(seed, told);
    assert.deepEqual(new mf.Network([new mf.Layer({...good, seed})]).save(), drawn.save());
}
for (const [name, value, type] of [['outputs', 4.7, RangeError], ['outputs', 2 ** 32, RangeError],
    ['bias', -(2 ** 31) - 1, RangeError], ['seed', -1, RangeError], ['leak', NaN, RangeError],
    ['activation', 'relu', TypeError], ['bias', null, TypeError], ['kernel', [3], TypeError], ['kernel', 3, TypeError],
    ['kernel', [3, undefined], TypeError], ['kernel', [3, 1.5], RangeError]]) {
    assert.throws(() => new mf.Layer({...good, [name]: value}),
        error => error instanceof type && error.message.startsWith(`${name} is `));
}
for (const call of [() => new mf.Optimizer(0.01), () => new mf.Layer(5)])
    assert.throws(call, /^TypeError: the options are .*, expected an object/);
assert.throws(() => new mf.Workspace(plain, 1.5), RangeError);
assert.throws(() => plain.remove(undefined), TypeError);
assert.throws(() => plain.describe(0.5), RangeError);
assert.throws(() => plain.setClasses(4.7), RangeError);
assert.throws(() => new mf.Optimizer().set(undefined, 1), TypeError);
assert.throws(() => new mf.Optimizer().set(MF_OPTIMIZER_LEARNING_RATE, 'fast'), TypeError);
assert.throws(() => network.predict(workspace, 'last', x), TypeError);
plain.setMetadata('name', 'value');
for (const call of [() => plain.setMetadata('name', 'other\0value'), () => plain.setMetadata('name\0', 'other'),
    () => plain.getMetadata('name\0')])
    assert.throws(call, /^TypeError: a character 0 within a text/);
assert.equal(plain.getMetadata('name'), 'value');
assert.equal(plain.size, 1);
assert.equal(plain.describe(0).classes, 3);

// ---- what was disposed of ----
const optimizer = new mf.Optimizer();
plain.setOptimizer(optimizer);
const room = new mf.Workspace(plain, 1), batch = [Float32Array.of(1, 1), Int32Array.of(0)];
optimizer.dispose();
fails(MF_STATUS_HANDLE, () => plain.setOptimizer(optimizer));
fails(MF_STATUS_HANDLE, () => new mf.Layer(good).setOptimizer(optimizer));
assert.throws(() => plain.setOptimizer({learning_rate: 0.1}), TypeError);
plain.step(room, ...batch); // its layer still has the optimizer
plain.dispose();
plain.dispose();
fails(MF_STATUS_HANDLE, () => new mf.Workspace(plain, 1));
fails(MF_STATUS_HANDLE, () => plain.step(room, ...batch));

// ---- the page ----
const learner = new Learner();
const {names} = learner;
assert.throws(() => learner.load(new Uint8Array(0)), mf.MonoforwardError);
for (const [name, why] of [['positions.safetensors', /100 inputs/], ['drawings.safetensors', /positions/]]) {
    const bytes = await read(name);
    assert.throws(() => learner.load(bytes), why);
    assert.equal(learner.names, names);
    assert.equal(learner.predict(new Float32Array(784)).last.length, names.length);
}
// The names of classes that a file has are taken if each class has one of its own.
const drawings = new mf.Network([new mf.Layer({inputs: 784, outputs: 4, classes: 3, seed: 1})]), numbers = ['0', '1', '2'];
for (const [lines, expected] of [[null, numbers], ['a\nb\nc', ['a', 'b', 'c']], ['a\nb', numbers], ['a\nb\nc\nd', numbers],
    ['a\nb\na', numbers], ['a\nb\nc\na', numbers], ['', numbers]]) {
    if (lines !== null)
        drawings.setMetadata('class_names', lines);
    learner.load(drawings.save());
    assert.deepEqual(learner.names, expected);
    learner.addClass('another');
    assert.equal(learner.predict(new Float32Array(784)).last.length, 4);
    assert.deepEqual(learner.describe().classes.map(({name}) => name), [...expected, 'another']);
}
console.log(`result test=answers correct=${correct}`);
