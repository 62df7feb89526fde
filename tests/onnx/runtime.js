// Runs exported networks in ONNX Runtime and compares with what the library said.
// Arguments: the package onnxruntime-node, the folder that onnx_networks has filled.
// SPDX-License-Identifier: MIT
'use strict';
const fs = require('fs');
const path = require('path');
const [, , package_folder, folder] = process.argv;
const ort = require(package_folder);

// Of the largest score there is, or of 1. Probabilities move by no more than scores do.
const TOLERANCE = 1e-5;
const MODES = ['last', 'sum'];

function floats(name) {
    const bytes = fs.readFileSync(path.join(folder, name));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function integers(name) {
    const bytes = fs.readFileSync(path.join(folder, name));
    return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function check(condition, what) {
    if (!condition)
        throw new Error(what);
}

function deviation(expected, got, scores) {
    check(expected.length === got.length, `${got.length} values instead of ${expected.length}`);
    let largest = 0, scale = 1;
    for (let i = 0; i < expected.length; i++) {
        largest = Math.max(largest, Number.isNaN(got[i]) ? Infinity : Math.abs(expected[i] - got[i]));
        scale = Math.max(scale, Math.abs(scores[i]));
    }
    return largest / scale;
}

// A row whose two highest scores are closer than the tolerance may go either way.
function compare_labels(scores, expected, got, classes) {
    check(expected.length === got.length, `${got.length} labels instead of ${expected.length}`);
    let other = 0;
    for (let row = 0; row < got.length; row++) {
        const label = Number(got[row]);
        if (label === expected[row])
            continue;
        other++;
        const margin = scores[row * classes + expected[row]] - scores[row * classes + label];
        check(margin <= 2 * TOLERANCE * Math.max(1, Math.abs(scores[row * classes + label])), `row ${row} is ${label}, not ${expected[row]}, by ${margin}`);
    }
    return other;
}

// The rows from `first` to before `end` as a batch of their own: the batch axis is free.
async function compare(session, network, first, end, worst) {
    const {classes, positions, image, x, answers, labels} = network;
    // Goodness of positions is that of as many rows.
    const each = positions || 1, rows = network.rows * each, own_dims = positions ? [end - first, positions] : [end - first];
    const values = image.reduce((product, size) => product * size);
    const input = new ort.Tensor('float32', x.slice(first * values, end * values), [end - first, ...image]);
    const outputs = await session.run({input});
    MODES.forEach((mode, m) => {
        const expected = [0, 1].map(w => {
            const at = (2 * m + w) * rows * classes;
            return answers.subarray(at + first * each * classes, at + end * each * classes);
        });
        ['goodness', 'probabilities'].forEach((what, w) => {
            const name = `${what}_${mode}`;
            worst[name] = Math.max(worst[name] || 0, deviation(expected[w], outputs[name].data, expected[0]));
            check(outputs[name].dims.join() === [...own_dims, classes].join(), `${name} is ${outputs[name].dims}`);
        });
        const label = outputs[`label_${mode}`];
        check(label.type === 'int64' && label.dims.join() === own_dims.join(), `label_${mode} is ${label.dims}`);
        worst.labels = (worst.labels || 0) +
            compare_labels(expected[0], labels.subarray(m * rows + first * each, m * rows + end * each), label.data, classes);
    });
}

async function main() {
    const lines = fs.readFileSync(path.join(folder, 'networks.txt'), 'utf8').trim().split('\n');
    let failures = 0, largest = 0, largest_probability = 0, labels = 0;
    for (const line of lines) {
        const [name, images, rows, classes, positions, ...image] = line.split(' ');
        const worst = {};
        try {
            const network = {
                rows: Number(rows), classes: Number(classes), positions: Number(positions), image: image.map(Number),
                x: floats(`${images}.f32`), answers: floats(`${name}.f32`), labels: integers(`${name}.i32`)};
            const options = {intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3};
            const session = await ort.InferenceSession.create(path.join(folder, `${name}.onnx`), options);
            for (const [first, end] of [[0, network.rows], [0, 1], [3, 10]])
                await compare(session, network, first, end, worst);
            await session.release();
            for (const [what, value] of Object.entries(worst))
                check(what === 'labels' || value <= TOLERANCE, `${what} differs by ${value}`);
        } catch (problem) {
            failures++;
            console.log(`failed: ${name}: ${problem.message}`);
        }
        const of = what => (worst[what] || 0).toExponential(1);
        console.log(`${name}: last ${of('goodness_last')}, sum ${of('goodness_sum')}, other labels ${worst.labels}`);
        largest = Math.max(largest, worst.goodness_last || 0, worst.goodness_sum || 0);
        largest_probability =
            Math.max(largest_probability, worst.probabilities_last || 0, worst.probabilities_sum || 0);
        labels += worst.labels || 0;
    }
    check(lines.length > 0, 'no networks');
    console.log(`${lines.length} networks, ${failures} failed; largest deviation of a goodness ` +
        `${largest.toExponential(1)}, of a probability ${largest_probability.toExponential(1)}; ` +
        `${labels} labels differ`);
    process.exit(failures > 0 ? 1 : 0);
}

main().catch(problem => {
    console.log(`failed: ${problem.message}`);
    process.exit(1);
});
