// What koffi would take for something else, such as a number for an address, is refused in words.
// SPDX-License-Identifier: MIT
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const mf = require(path.resolve(process.argv[2], 'monoforward.js'));

const layer = new mf.Layer({inputs: 2, outputs: 3, classes: 2}), network = new mf.Network([layer]);
const workspace = new mf.Workspace(network, 1), optimizer = new mf.Optimizer({});
network.setOptimizer(optimizer);
for (const text of [3, 3n, null, undefined, Buffer.from('weight'), {}, ['weight']])
    for (const call of [() => network.save(text), () => mf.Network.load(text), () => layer.parameter(text),
        () => layer.setParameter(text, new Float32Array(6)), () => mf.Matrix.fromParameter(layer, text)])
        assert.throws(call, /^TypeError: .* is no text$/);
for (const size of [88, 4096])
    assert.throws(() => new mf.Layer({inputs: 2, outputs: 3, classes: 2, struct_size: size}),
        /^TypeError: there is no option struct_size$/);
assert.throws(() => optimizer.set(mf.MF_OPTIMIZER_LEARNING_RATE, -1n), /^TypeError: the value is -1/);
assert.throws(() => optimizer.set(mf.MF_OPTIMIZER_LEARNING_RATE, NaN), /^RangeError: the value is NaN/);
for (const [scale, error] of [['1', /^TypeError: scale is/], [1n, /^TypeError: scale is/], [NaN, /^RangeError: scale is/]])
    assert.throws(() => network.step(workspace, new Uint8Array(2), new Int32Array(1), {scale}), error);
console.log('refused');
