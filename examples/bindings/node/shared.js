// What the bindings for Node and for browsers share: the units and blocks of a Builder, and options. For browsers build.sh
// makes a module of it.
//
// SPDX-License-Identifier: MIT
'use strict';
const {constants} = require('./abi.js');

// What a message says of a value: of an array its type and length, of anything else its beginning.
function show(value) {
    return ArrayBuffer.isView(value) ? `a ${value.constructor.name} of ${value.length}` : String(value).slice(0, 60);
}

// These options together, of which later ones win. What is no object, such as a number, would be taken for no options.
function merge(...all) {
    for (const options of all) {
        if (options !== undefined && typeof options !== 'object')
            throw new TypeError(`the options are ${show(options)}, expected an object`);
    }
    return Object.assign({}, ...all);
}

// The array type of inputs and its number, of which Float32Array is the rule.
function inputType(x) {
    if (x instanceof Uint8Array)
        return [Uint8Array, constants.MF_TYPE_UINT8];
    return x instanceof Int32Array ? [Int32Array, constants.MF_TYPE_INT32] : [Float32Array, constants.MF_TYPE_FLOAT32];
}

function both(size) {
    return Array.isArray(size) ? size : [size, size];
}

function withStride(options) {
    return typeof options === 'number' || Array.isArray(options) ? {stride: options} : options;
}

// What each unit and block is called. The class must have unit(kind, ...options) and block(kind, options), which return the
// builder.
const withUnits = Base => class extends Base {
    dense(outputs, options) {
        return this.unit(constants.MF_UNIT_DENSE, {outputs}, options);
    }

    // A kernel, padding or stride is one number, or an array of two: vertical, horizontal. Without a padding it is half
    // the kernel: an odd kernel then keeps the size of the maps.
    conv2d(filters, options) {
        const {kernel = 3, stride = 1, padding = both(kernel).map(size => Math.floor(size / 2)), ...more} =
            merge(options);
        return this.unit(constants.MF_UNIT_CONV2D,
            {outputs: filters, kernel: both(kernel), padding: both(padding), stride: both(stride)}, more);
    }

    batchNorm(options) {
        return this.unit(constants.MF_UNIT_BATCH_NORM, options);
    }

    // The kind is MF_ACTIVATION_RELU, ...
    activation(activation, options) {
        return this.unit(constants.MF_UNIT_ACTIVATION, {activation}, options);
    }

    relu() {
        return this.activation(constants.MF_ACTIVATION_RELU);
    }

    leakyRelu(leak = 0.01) {
        return this.activation(constants.MF_ACTIVATION_LEAKY_RELU, {leak});
    }

    tanh() {
        return this.activation(constants.MF_ACTIVATION_TANH);
    }

    gelu() {
        return this.activation(constants.MF_ACTIVATION_GELU);
    }

    silu() {
        return this.activation(constants.MF_ACTIVATION_SILU);
    }

    // A stride of 0 is the size of the window.
    maxPool(size = 2, stride = 0, padding = 0) {
        return this.unit(constants.MF_UNIT_POOL,
            {pool: constants.MF_POOL_MAX, kernel: both(size), stride: both(stride), padding: both(padding)});
    }

    // Padding counts as zeros.
    averagePool(size = 2, stride = 0, padding = 0) {
        return this.unit(constants.MF_UNIT_POOL,
            {pool: constants.MF_POOL_AVERAGE, kernel: both(size), stride: both(stride), padding: both(padding)});
    }

    dropout(rate, maps = false) {
        return this.unit(constants.MF_UNIT_DROPOUT, {dropout: rate, dropout_maps: Number(maps)});
    }

    // Layer normalisation: of the values of a row, or of each position of a sequence.
    layerNorm(options) {
        return this.unit(constants.MF_UNIT_LAYER_NORM, options);
    }

    // The mean of each map, or of the positions of a sequence.
    globalPool(options) {
        return this.unit(constants.MF_UNIT_GLOBAL_POOL, options);
    }

    // A sequence [T, d] turned into [d, T], so that what follows works along the positions.
    transpose(options) {
        return this.unit(constants.MF_UNIT_TRANSPOSE, options);
    }

    // Maps [d, height, width] as a sequence [height width, d].
    tokens(options) {
        return this.unit(constants.MF_UNIT_TOKENS, options);
    }

    // A sequence or maps as a row of all their values, which takes no time.
    flatten(options) {
        return this.unit(constants.MF_UNIT_FLATTEN, options);
    }

    // Adds learned positions to a sequence.
    positions(options) {
        return this.unit(constants.MF_UNIT_POSITIONS, options);
    }

    // `outputs` learned values for each token: of a row of T tokens, the layer's input, the sequence [T, outputs].
    embedding(vocabulary, outputs, options) {
        return this.unit(constants.MF_UNIT_EMBEDDING, {inputs: [0, 0], vocabulary, outputs}, options);
    }

    // Multi-head attention: of [T, 3 d], queries, keys and values behind each other, it makes [T, d].
    attention(heads, causal = false) {
        return this.unit(constants.MF_UNIT_ATTENTION, {heads, causal: Number(causal)});
    }

    // Adds a node to the one before; 0 is the layer's input.
    add(node) {
        return this.unit(constants.MF_UNIT_ADD, {inputs: [constants.MF_NODE_PREVIOUS, node]});
    }

    // Puts the values of a node behind those of the one before.
    concat(node) {
        return this.unit(constants.MF_UNIT_CONCAT, {inputs: [constants.MF_NODE_PREVIOUS, node]});
    }

    // Two convolutions and a skip; 0: as many maps as its input has. The options may be the stride alone.
    residual(outputs = 0, options) {
        return this.block(constants.MF_BLOCK_RESIDUAL, merge({outputs}, withStride(options)));
    }

    // A convolution of fewer maps, `hidden`, between two of 1 x 1, and a skip. The options may be the stride alone.
    bottleneck(outputs = 0, options) {
        return this.block(constants.MF_BLOCK_BOTTLENECK, merge({outputs}, withStride(options)));
    }

    // Products along the positions and along the values of a sequence: token_hidden, hidden.
    mixer(options) {
        return this.block(constants.MF_BLOCK_MIXER, options);
    }

    // Attention and two products behind it.
    transformer(heads, causal = false, options) {
        return this.block(constants.MF_BLOCK_TRANSFORMER, merge({heads, causal: Number(causal)}, options));
    }
};

module.exports = {both, inputType, merge, show, withUnits};
