// Builds a residual block as one layer from Node, and layers with other heads, and trains them. With
// $MONOFORWARD_RESIDUAL, the program that tests/ffi/residual.c becomes, the parameters are compared with those of the
// same layers in C, bit for bit.
//
// SPDX-License-Identifier: MIT
'use strict';
const assert = require('node:assert/strict');
const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const mf = require('./monoforward.js');

const SHAPE = [4, 6, 6], ROWS = 12, CLASSES = 3, STEPS = 30;

// Two convolutions and a skip; gradients flow through all of it and stop at its input.
function residual(seed) {
    return new mf.Builder(SHAPE, {seed}).conv2d(4).batchNorm().relu()
        .conv2d(4).batchNorm().add(0).relu().head(CLASSES).build();
}

// FNV-1a of all parameters.
function hash(layer) {
    let value = 0xcbf29ce484222325n;
    for (const name of layer.parameterNames()) {
        for (const byte of new Uint8Array(layer.parameter(name).buffer))
            value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
    }
    return value.toString(16).padStart(16, '0');
}

// Trains a network, and returns its last loss.
function learn(network, x, y) {
    const workspace = new mf.Workspace(network, ROWS);
    network.setOptimizer(new mf.Optimizer({learning_rate: 0.01}));
    const losses = Array.from({length: STEPS}, () => {
        network.step(workspace, x, y);
        return workspace.report(0).loss;
    });
    assert.ok(losses[STEPS - 1] < losses[0] / 2, `the loss went from ${losses[0]} to ${losses[STEPS - 1]}`);
    return losses[STEPS - 1];
}

function answers(network, x) {
    return network.probabilities(new mf.Workspace(network, ROWS), mf.MF_PREDICT_LAST, x);
}

// The network from a file of it.
function reload(network) {
    const file = path.join(os.tmpdir(), `residual-${process.pid}.safetensors`);
    try {
        network.save(file);
        return mf.Network.load(file);
    } finally {
        fs.rmSync(file, {force: true});
    }
}

// A matrix of 50 classes, for as many layers as read it.
function given() {
    return new mf.Matrix(50, 3, Float32Array.from({length: 150}, (_, i) => i * 37 % 64 / 32 - 1));
}

// Heads that are more than a projection of the output, with units of their own: layers learn with them, and are the
// same from a file. Returns the hash of each layer.
function heads(x, y) {
    const dense = () => new mf.Builder([144], {seed: 7}).dense(16).relu(); // node 2, the output
    const layers = [
        // Of rank 4, for many classes: a step scores those of its labels, and ten that are drawn.
        dense().dense(4, {bias: 0})
            .head(50, {output_node: 2, sampling: mf.MF_SAMPLING_LOG_UNIFORM, candidates: 10}),
        // With a map, the last unit, that learns how alike rows are.
        dense().dense(16).head(CLASSES, {similarity: 0.75}),
        // With an auxiliary head of half the weight, and units of its own; the layer's head reads node 2.
        dense().dense(8).relu().dense(CLASSES, {loss_weight: 0.5}).head(CLASSES, {input_node: 2}),
        // M is three columns that are given, and one that the layer learns.
        dense().dense(4, {bias: 0}).head(50, {output_node: 2, shared: given()})
    ].map(builder => builder.build());
    for (const layer of layers) {
        assert.deepEqual(layer.shape(), [16]);
        const network = new mf.Network([layer]);
        learn(network, x, y);
        const loaded = reload(network);
        assert.deepEqual(answers(loaded, x), answers(network, x));
        loaded.setOptimizer(new mf.Optimizer());
        assert.equal(loaded.summary(ROWS), network.summary(ROWS));
    }
    return layers.map(hash);
}

function otherUnits() {
    const builder = new mf.Builder([2, 9, 9], {seed: 1}).conv2d(4, {padding: 0, stride: 2, bias: 0}).leakyRelu(0.5)
        .maxPool(3, 2, 1).dropout(0.25, true).averagePool(2, 1).dense(6).gelu().branch(5).dense(6).tanh();
    assert.equal(builder.node(), 9);
    const layer = builder.activation(mf.MF_ACTIVATION_IDENTITY).add(7).head(2, {label_smoothing: 0.1}).build();
    const units = layer.units();
    assert.deepEqual(units.map(unit => unit.kind), [mf.MF_UNIT_CONV2D, mf.MF_UNIT_ACTIVATION, mf.MF_UNIT_POOL,
        mf.MF_UNIT_DROPOUT, mf.MF_UNIT_POOL, mf.MF_UNIT_DENSE, mf.MF_UNIT_ACTIVATION, mf.MF_UNIT_DENSE,
        mf.MF_UNIT_ACTIVATION, mf.MF_UNIT_ACTIVATION, mf.MF_UNIT_ADD]);
    assert.deepEqual([units[0].bias, units[0].stride[0], units[0].padding[1]], [0, 2, 0]);
    assert.deepEqual([units[2].padding[0], units[2].padding[1], units[4].padding[0]], [1, 1, 0]);
    assert.deepEqual([units[1].leak, units[3].dropout, units[3].dropout_maps], [0.5, 0.25, 1]);
    assert.deepEqual([units[7].inputs[0], units[10].inputs[0], units[10].inputs[1]], [5, 10, 7]);
    assert.deepEqual(layer.shape(), [6]);
}

function unitsOfSequences() {
    const builder = new mf.Builder([5, 4], {seed: 3}).layerNorm({bias: 0}).dense(6).silu().concat(0);
    const layer = builder.globalPool().head(2).build();
    assert.deepEqual(layer.units().map(unit => unit.kind), [mf.MF_UNIT_LAYER_NORM, mf.MF_UNIT_DENSE,
        mf.MF_UNIT_ACTIVATION, mf.MF_UNIT_CONCAT, mf.MF_UNIT_GLOBAL_POOL]);
    assert.equal(layer.units()[2].activation, mf.MF_ACTIVATION_SILU);
    assert.deepEqual(layer.shape(), [10]);
    const attending = new mf.Builder([2, 3, 4], {seed: 3}).tokens().positions().dense(12).attention(2, true).transpose()
        .flatten().head(2).build();
    assert.deepEqual(attending.units().map(unit => unit.kind), [mf.MF_UNIT_TOKENS, mf.MF_UNIT_POSITIONS,
        mf.MF_UNIT_DENSE, mf.MF_UNIT_ATTENTION, mf.MF_UNIT_TRANSPOSE,
        mf.MF_UNIT_FLATTEN]);
    assert.equal(attending.units()[3].causal, 1);
    assert.deepEqual(attending.shape(), [48]);
}

// Tokens as integers and as floats give the same network.
function tokens() {
    const networks = [Float32Array, Int32Array].map(array => {
        const layer = new mf.Builder([3], {seed: 3}).embedding(9, 4).positions().head(2).build();
        assert.deepEqual([layer.units()[0].vocabulary, layer.units()[0].outputs, layer.shape()], [9, 4, [3, 4]]);
        const network = new mf.Network([layer]);
        network.setOptimizer(new mf.Optimizer());
        const workspace = new mf.Workspace(network, 2, mf.MF_WORKSPACE_TRAINING + mf.MF_WORKSPACE_CONVERT);
        for (let step = 0; step < 3; step++)
            network.step(workspace, array.from([8, 0, 3, 3, 1, 2]), Int32Array.from([0, 1]));
        fails(mf.MF_STATUS_ARGUMENT, () => network.step(workspace, array.from([9, 0, 3]), Int32Array.from([0])));
        return network.probabilities(workspace, mf.MF_PREDICT_LAST, array.from([8, 0, 3]));
    });
    assert.deepEqual(networks[0], networks[1]);
}

function blocks() {
    const units = new mf.Builder([2, 6, 6], {seed: 1}).residual().residual(4, {stride: 2}).branch(7)
        .bottleneck(4, {hidden: 3, stride: 2}).add(16).head(2).build().units();
    assert.equal(units.length, 29);
    assert.deepEqual([units[5].kind, units[5].inputs[1], units[7].outputs, units[7].stride[0]], [mf.MF_UNIT_ADD, 0, 4, 2]);
    assert.deepEqual([units[16].outputs, units[16].inputs[0], units[19].kernel[0], units[24].inputs[0]], [3, 7, 3, 7]);
    const sequence = new mf.Builder([5, 4], {seed: 1}).mixer({token_hidden: 3}).transformer(2, true, {hidden: 7});
    assert.equal(sequence.node(), 22);
    const layer = sequence.head(2).build();
    assert.deepEqual([layer.units()[2].outputs, layer.units()[8].outputs, layer.units()[14].heads], [3, 16, 2]);
    assert.deepEqual([layer.units()[14].causal, layer.units()[18].outputs], [1, 7]);
    assert.deepEqual(layer.shape(), [5, 4]);
    fails(mf.MF_STATUS_SHAPE, () => new mf.Builder([4]).residual());
}

// A stride may stand for the options of a block, and both directions may differ. What is no object, such as a kernel
// alone, is refused: nothing would be left of it.
function strides() {
    for (const [word, index] of [['residual', 0], ['bottleneck', 3]]) {
        for (const [options, expected] of [[2, [2, 2]], [{stride: 2}, [2, 2]], [[2, 1], [2, 1]],
            [{stride: [1, 2]}, [1, 2]]]) {
            const units = new mf.Builder([2, 6, 6], {seed: 1})[word](4, options).head(2).build().units();
            assert.deepEqual(units[index].stride, expected);
        }
    }
    const conv = new mf.Builder([2, 9, 9]).conv2d(4, {kernel: [5, 3], stride: [2, 1]}).head(2).build().units()[0];
    assert.deepEqual([conv.kernel, conv.padding, conv.stride], [[5, 3], [2, 1], [2, 1]]);
    const builder = new mf.Builder([2, 6, 6]);
    for (const call of [() => builder.conv2d(32, 1), () => builder.dense(4, 0.5), () => builder.batchNorm(1),
        () => builder.residual(4, true), () => builder.bottleneck(4, 2n), () => builder.transformer(2, true, 7),
        () => builder.head(10, 4), () => new mf.Builder([4], 7), () => new mf.Layer(5), () => new mf.Optimizer(0.01)])
        assert.throws(call, /^TypeError: the options are .*, expected an object/);
    assert.throws(() => builder.residual(4, [2]), /^TypeError: stride is 2, expected an array of 2/);
    assert.equal(builder.node(), 0);
}

// A branch leaves the caller's array alone; a node is a whole number.
function branches() {
    const inputs = [mf.MF_NODE_PREVIOUS, 2];
    const builder = new mf.Builder([4], {seed: 1}).dense(4).relu().branch(1).unit(mf.MF_UNIT_ADD, {inputs});
    assert.deepEqual(inputs, [mf.MF_NODE_PREVIOUS, 2]);
    assert.deepEqual(builder.head(2).build().units()[2].inputs, [1, 2]);
    for (const [node, type] of [[0.5, RangeError], [2 ** 32, RangeError], ['0', TypeError], [undefined, TypeError]])
        assert.throws(() => builder.branch(node), error => error instanceof type && /^the node is/.test(error.message));
}

// A label for each position of a sequence; one has none.
function positions() {
    const layer = new mf.Builder([3, 2], {seed: 1}).dense(8).relu().head(2, {kind: mf.MF_HEAD_POSITIONS}).build();
    const network = new mf.Network([layer]), workspace = new mf.Workspace(network, 2);
    const x = Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1);
    const y = Int32Array.of(0, 1, 0, 1, 0, mf.MF_LABEL_IGNORED);
    network.setOptimizer(new mf.Optimizer({learning_rate: 0.05}));
    for (let step = 0; step < 100; step++)
        network.step(workspace, x, y);
    assert.equal(workspace.report(0).rows, 5);
    assert.deepEqual([...network.predict(workspace, mf.MF_PREDICT_LAST, x)], [0, 1, 0, 1, 0, 1]);
    assert.equal(network.probabilities(workspace, mf.MF_PREDICT_LAST, x).length, 12);
    fails(mf.MF_STATUS_SHAPE, () => network.step(workspace, x, y.subarray(0, 4)));
}

// Layers keep the matrix that they read. What is none, or has been given up, is refused: to C it would be no matrix.
function matrices() {
    const matrix = given(), builder = new mf.Builder([4], {seed: 3}).dense(3, {bias: 0});
    const [first, second] = [builder.head(50, {shared: matrix}).build(), builder.build()];
    matrix.dispose();
    assert.deepEqual(first.parameterNames(), ['units.1.weight']);
    const x = Float32Array.of(1, 2, 3, 4), before = answers(new mf.Network([second]), x);
    assert.deepEqual(before, answers(new mf.Network([first]), x));
    const copy = mf.Matrix.fromParameter(first, 'units.1.weight'); // [3, 4]
    assert.deepEqual(new mf.Builder([2]).dense(4).head(3, {shared: copy}).build().parameterNames(),
        ['units.1.weight', 'units.1.bias']);
    fails(mf.MF_STATUS_SHAPE, () => new mf.Builder([2]).dense(3).head(3, {shared: copy}).build());
    fails(mf.MF_STATUS_HANDLE, () => builder.head(50, {shared: matrix}));
    fails(mf.MF_STATUS_SHAPE, () => new mf.Matrix(50, 3, new Float32Array(149)));
    fails(mf.MF_STATUS_NUMERIC, () => new mf.Matrix(2, 1, Float32Array.of(1, Infinity)));
    fails(mf.MF_STATUS_NOT_FOUND, () => mf.Matrix.fromParameter(first, 'head.projection'));
    for (const wrong of [null, 7, {}, first])
        assert.throws(() => builder.head(50, {shared: wrong}), /^TypeError: shared is .*, expected a Matrix/);
    for (const [name, expected] of [['shared', 'Matrix'], ['candidates', 'number']]) {
        assert.throws(() => builder.head(50, {[name]: new Float32Array(150)}),
            {message: `${name} is a Float32Array of 150, expected a ${expected}`});
    }
    assert.throws(() => new mf.Matrix(2, 1, [1, 2]), /^TypeError: values is no Float32Array/);
    assert.throws(() => new mf.Matrix(2, 0.5, Float32Array.of(1)), /^RangeError: columns is 0.5/);
}

// The best of many classes, of which steps score some that counts draw.
function bestClasses(x) {
    const layer = new mf.Builder([144], {seed: 3}).dense(8).relu()
        .head(50, {sampling: mf.MF_SAMPLING_COUNTS, candidates: 10}).build();
    const counts = Float32Array.from({length: 50}, (_, i) => i + 1);
    layer.setParameter('head.counts', counts);
    assert.deepEqual(layer.parameter('head.counts'), counts);
    fails(mf.MF_STATUS_SHAPE, () => layer.setParameter('head.counts', counts.subarray(1)));
    fails(mf.MF_STATUS_NOT_FOUND, () => layer.setParameter('counts', counts));
    assert.throws(() => layer.setParameter('head.counts', [...counts]), /^TypeError: values is no Float32Array/);
    const network = new mf.Network([layer]), workspace = new mf.Workspace(network, ROWS), shares = answers(network, x);
    const top = network.top(workspace, mf.MF_PREDICT_LAST, x, 3);
    for (let row = 0; row < ROWS; row++) {
        const all = shares.subarray(50 * row, 50 * row + 50), own = [3 * row, 3 * row + 3];
        const best = [...all.keys()].sort((a, b) => all[b] - all[a]).slice(0, 3);
        assert.deepEqual([...top.labels.subarray(...own)], best);
        for (const [i, label] of best.entries())
            assert.ok(Math.abs(top.probabilities[3 * row + i] - all[label]) < 1e-6);
        const scores = top.goodness.subarray(...own);
        assert.ok(scores[0] >= scores[1] && scores[1] >= scores[2] && scores[0] > scores[2]);
    }
    for (const count of [0, 51, 2 ** 31])
        fails(mf.MF_STATUS_ARGUMENT, () => network.top(workspace, mf.MF_PREDICT_LAST, x, count));
    assert.throws(() => network.top(workspace, mf.MF_PREDICT_LAST, x, 2.5), /^RangeError: the number of classes is 2.5/);
}

// Products in bf16: the layers learn, otherwise than in float32, and keep their precision in a file.
function inBf16(x, y) {
    function trained(precision) {
        const unit = new mf.Builder(SHAPE, {seed: 7, precision}).dense(16).relu().head(CLASSES).build();
        const layer = new mf.Layer({inputs: 16, outputs: 8, classes: CLASSES, seed: 8, precision});
        const network = new mf.Network([unit, layer]);
        learn(network, x, y);
        assert.deepEqual([0, 1].map(i => network.describe(i).precision), [precision, precision]);
        return network;
    }
    const network = trained(mf.MF_PRECISION_BF16), loaded = reload(network);
    assert.notDeepEqual(answers(trained(mf.MF_PRECISION_FLOAT32), x), answers(network, x));
    assert.deepEqual([0, 1].map(i => loaded.describe(i).precision), [mf.MF_PRECISION_BF16, mf.MF_PRECISION_BF16]);
}

function fails(status, call) {
    assert.throws(call, error => error instanceof mf.MonoforwardError && error.status === status);
}

function main() {
    const x = Float32Array.from({length: ROWS * 144}, (_, i) => Math.fround(i * 7919 % 1009) / 1009);
    const y = Int32Array.from({length: ROWS}, (_, i) => i % CLASSES);
    const block = residual(7);
    const drawn = hash(block);
    const network = new mf.Network([block]);
    const loss = learn(network, x, y), learned = [hash(block), ...heads(x, y)];
    let same = 'not_asked';
    if (process.env.MONOFORWARD_RESIDUAL) {
        const inC = execFileSync(process.env.MONOFORWARD_RESIDUAL, {encoding: 'utf8'}).trim().split('\n');
        assert.deepEqual([drawn, ...learned], inC);
        same = 'yes';
    }
    otherUnits();
    unitsOfSequences();
    tokens();
    blocks();
    strides();
    branches();
    positions();
    matrices();
    bestClasses(x);
    inBf16(x, y);
    fails(mf.MF_STATUS_SHAPE, () => new mf.Builder(SHAPE).conv2d(5).add(0));
    fails(mf.MF_STATUS_STATE, () => new mf.Builder([4]).dense(5).build());
    assert.throws(() => new mf.Builder([4]).dense(5, {no_such: 1}), TypeError);
    const summary = network.summary(ROWS);
    assert.match(summary, /node 5 \+ node 0[^]*gradients stop here/);
    process.stdout.write(summary);
    console.log(`result example=ffi-node-residual version=${mf.version()} loss=${loss.toFixed(4)} ` +
        `same_as_c=${same}`);
}

main();
