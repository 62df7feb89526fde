// Binds libmonoforward, which trains neural networks without backpropagation: every layer learns from its own
// loss.
//
// Objects own handles of the library. The garbage collector frees them some time; dispose() does so at once.
// Data are Float32Array and Int32Array, which are handed over without a copy, and whose lengths are checked:
// a batch has as many rows as it has labels. Inputs may also be a Uint8Array, such as the pixels of images: see
// Network.step(). A call that fails throws a MonoforwardError.
//
// Options are the fields of the specs in monoforward.h, and constants have their names there.
//
// SPDX-License-Identifier: MIT
'use strict';
const koffi = require('koffi');
const {constants, declare} = require('./abi.js');
const {both, inputType, merge, show, withUnits} = require('./shared.js');

const C = declare(koffi, koffi.load('libmonoforward.so.0'));

class MonoforwardError extends Error {
    constructor(status, message) {
        super(message);
        this.name = 'MonoforwardError';
        this.status = status;
        this.statusName = C.mf_status_name(status);
    }
}

function check(status) {
    if (status !== constants.MF_STATUS_OK)
        throw new MonoforwardError(status, C.mf_last_message());
}

// An array of another type would be read as if it were of this one, a shorter one beyond its end.
function checkArray(what, array, type, rows, columns) {
    if (!(array instanceof type))
        throw new TypeError(`${what} is no ${type.name}`);
    if (array.length !== rows * columns) {
        throw new MonoforwardError(constants.MF_STATUS_SHAPE,
            `${what} has ${array.length} values, expected ${rows} rows of ${columns}`);
    }
}

// The text itself. The library would end it at its first 0, and koffi takes a number for an address.
function checkText(text) {
    if (typeof text !== 'string')
        throw new TypeError(`${show(text)} is no text`);
    if (text.includes('\0'))
        throw new TypeError('a character 0 within a text');
    return text;
}

// What integers of a kind may be.
const RANGES = {Int32: [-(2 ** 31), 2 ** 31 - 1], UInt32: [0, 2 ** 32 - 1], UInt64: [0, 2n ** 64n - 1n]};

// koffi would cut off a fraction, and what is out of range would become another number.
function checkNumber(name, value, kind) {
    const range = RANGES[kind];
    if (typeof value !== 'number' && (typeof value !== 'bigint' || !range))
        throw new TypeError(`${name} is ${show(value)}, expected a number`);
    if (range && (typeof value === 'number' && !Number.isInteger(value) || value < range[0] || value > range[1]))
        throw new RangeError(`${name} is ${value}, expected a whole number from ${range[0]} to ${range[1]}`);
    if (Number.isNaN(value))
        throw new RangeError(`${name} is ${value}, expected a number`);
}

function checkOption(name, value, type) {
    const {primitive, length, ref} = koffi.introspect(type);
    if (primitive === 'Array') {
        if (!Array.isArray(value) || value.length !== length)
            throw new TypeError(`${name} is ${show(value)}, expected an array of ${length}`);
        for (const one of value)
            checkOption(name, one, ref);
    } else if (primitive in RANGES || primitive.startsWith('Float')) {
        checkNumber(name, value, primitive);
    } else if (primitive === 'Pointer' && typeof value !== 'object') { // koffi takes a number for an address
        throw new TypeError(`${name} is ${show(value)}, expected a handle`);
    }
}

// The library's defaults and options; one that is undefined is as if it were not there.
function makeSpec(kind, ...options) {
    const spec = {}, {members} = koffi.introspect(`mf_${kind}_spec`);
    check(C[`mf_${kind}_spec_init`](spec, koffi.sizeof(`mf_${kind}_spec`)));
    for (const [name, value] of Object.entries(merge(...options))) {
        if (!(name in spec) || (name === 'struct_size' && value !== spec.struct_size))
            throw new TypeError(`there is no option ${name}`);
        if (value === undefined)
            continue;
        checkOption(name, value, members[name].type);
        spec[name] = value;
    }
    return spec;
}

// A struct that the library fills with results.
function makeResult(type) {
    return {struct_size: koffi.sizeof(type)};
}

// The shape of a row: [values] or [maps, height, width].
function makeShape(sizes) {
    const shape = {};
    check(C.mf_shape_init(shape, koffi.sizeof('mf_shape')));
    shape.rank = sizes.length;
    for (const [i, size] of sizes.slice(0, shape.dims.length).entries()) {
        checkOption('a size of the shape', size, 'size_t');
        shape.dims[i] = size;
    }
    return shape;
}

// What a call stores through an out-pointer.
function receive(call) {
    const out = [null];
    check(call(out));
    return out[0];
}

// ---- what owns a handle ----

const abandoned = new FinalizationRegistry(free => free());

class Handle {
    #handle;
    #free;

    constructor(handle, free) {
        this.#handle = handle;
        this.#free = () => free(handle);
        abandoned.register(this, this.#free, this);
    }

    // To some calls NULL is no mistake, as to setOptimizer(): so what was given up is refused here.
    get handle() {
        if (this.#handle === null) {
            throw new MonoforwardError(constants.MF_STATUS_HANDLE,
                `the ${this.constructor.name} has been disposed of`);
        }
        return this.#handle;
    }

    dispose() {
        if (this.#handle === null)
            return;
        abandoned.unregister(this);
        this.#free();
        this.#handle = null;
    }
}
if (Symbol.dispose) // `using` of newer versions
    Handle.prototype[Symbol.dispose] = Handle.prototype.dispose;

// ---- optimizers, layers ----

// new Optimizer({kind: MF_OPTIMIZER_SGD, learning_rate: 0.1})
class Optimizer extends Handle {
    constructor(options) {
        const spec = makeSpec('optimizer', options);
        super(receive(out => C.mf_optimizer_create(spec, out)), C.mf_optimizer_free);
    }

    set(key, value) {
        checkNumber('the key', key, 'Int32');
        checkNumber('the value', value, 'Float64');
        check(C.mf_optimizer_set(this.handle, key, value));
    }
}

// new Layer({inputs: 784, outputs: 100, classes: 10})
class Layer extends Handle {
    // `handle` is for Builder.
    constructor(options, handle = undefined) {
        if (handle === undefined) {
            const spec = makeSpec('layer', options);
            handle = receive(out => C.mf_layer_create(spec, out));
        }
        super(handle, C.mf_layer_free);
    }

    // The shape of a row of its activation, for the Builder of the next layer.
    shape() {
        const shape = makeResult('mf_shape');
        check(C.mf_layer_shape(this.handle, null, shape));
        return Array.from(shape.dims.slice(0, shape.rank));
    }

    // What its units were made from.
    units() {
        const count = receive(out => C.mf_layer_unit_count(this.handle, out));
        return Array.from({length: count}, (_, i) => {
            const unit = makeResult('mf_unit_spec');
            check(C.mf_layer_unit(this.handle, i + 1, unit, null));
            return unit;
        });
    }

    // Its parameters in their order: names, dims, counts of values.
    #parameters() {
        const count = receive(out => C.mf_layer_parameter_count(this.handle, out));
        return Array.from({length: count}, (_, i) => {
            const info = makeResult('mf_parameter_info');
            check(C.mf_layer_parameter_info(this.handle, i, info));
            return info;
        });
    }

    // The names of its parameters, in their order.
    parameterNames() {
        return this.#parameters().map(({name}) => name);
    }

    // Replaces the values of a parameter, such as the "head.counts" that candidates are drawn by.
    setParameter(name, values) {
        if (!(values instanceof Float32Array))
            throw new TypeError('values is no Float32Array');
        check(C.mf_layer_set_parameter(this.handle, checkText(name), values, values.length));
    }

    // A copy of "weight", "bias" or "projection". Of another name the library says that there is no such parameter.
    parameter(name) {
        const {count = 0} = this.#parameters().find(info => info.name === name) ?? {};
        const values = new Float32Array(count);
        check(C.mf_layer_get_parameter(this.handle, checkText(name), values, count));
        return values;
    }
}

// ---- matrices that heads share ----

// new Matrix(classes, columns, values): for head(classes, {shared: matrix}) of as many layers as read it. The values, a
// Float32Array of a row for each class, are copied, and no layer learns them.
class Matrix extends Handle {
    // `handle` is for fromParameter().
    constructor(rows, columns, values, handle = undefined) {
        if (handle === undefined) {
            const spec = makeSpec('matrix', {rows, columns});
            checkArray('values', values, Float32Array, rows, columns);
            spec.values = values;
            handle = receive(out => C.mf_matrix_create(spec, out));
        }
        super(handle, C.mf_matrix_free);
    }

    // With the values that a layer's parameter has now, such as those of an embedding.
    static fromParameter(layer, name) {
        return new Matrix(0, 0, null, receive(out => C.mf_matrix_from_parameter(layer.handle, checkText(name), null, out)));
    }
}

// ---- layers of several units ----

// new Builder([16, 32, 32], {seed: 1}) makes layers whose rows have this shape. Each call adds a unit and returns the
// builder, so that calls can be chained:
//
//     const block = new mf.Builder([16, 32, 32]).conv2d(16).batchNorm().relu()
//         .conv2d(16).batchNorm().add(0).relu().head(10).build();
//
// More options of a unit, a block or the head are the fields of their specs: conv2d(16, {bias: 0}).
class Builder extends withUnits(Handle) {
    #node = 0;
    #next = constants.MF_NODE_PREVIOUS;

    constructor(shape, options) {
        const spec = makeSpec('builder', options);
        spec.input = makeShape(shape);
        super(receive(out => C.mf_builder_create(spec, out)), C.mf_builder_free);
    }

    // Adds any unit.
    unit(kind, ...options) {
        const spec = makeSpec('unit', {kind}, ...options);
        if (this.#next !== constants.MF_NODE_PREVIOUS)
            spec.inputs = [this.#next, spec.inputs[1]];
        this.#next = constants.MF_NODE_PREVIOUS;
        this.#node = receive(out => C.mf_builder_unit(this.handle, spec, out));
        return this;
    }

    // Adds the units of a ready-made block. A stride is one number, or an array of two.
    block(kind, options) {
        const {stride = 0, ...more} = merge(options);
        const spec = makeSpec('block', {kind, stride: both(stride), input: this.#next}, more);
        this.#next = constants.MF_NODE_PREVIOUS;
        this.#node = receive(out => C.mf_builder_block(this.handle, spec, out));
        return this;
    }

    // The next unit or block reads this node instead of the one before.
    branch(node) {
        checkNumber('the node', node, 'Int32');
        this.#next = node;
        return this;
    }

    head(classes, options) {
        const {shared, ...more} = merge(options);
        const spec = makeSpec('head', {classes}, more);
        if (shared !== undefined) {
            if (!(shared instanceof Matrix)) // it would have no handle, and to C that means no matrix
                throw new TypeError(`shared is ${show(shared)}, expected a Matrix`);
            spec.shared = shared.handle;
        }
        check(C.mf_builder_head(this.handle, spec));
        return this;
    }

    // The number of the node that was added last; 0 if there is none.
    node() {
        return this.#node;
    }

    // Makes a Layer, and another one each time.
    build() {
        return new Layer({}, receive(out => C.mf_layer_build(this.handle, out)));
    }
}

// ---- networks ----

class Network extends Handle {
    #inputs;
    #scores; // values in a row of goodness
    #labels = 1; // of a row: one for each position, where goodness is at positions

    // A network of layers, first to last; it keeps references of its own to them. `handle` is for load().
    constructor(layers, handle = receive(out => C.mf_network_create(null, out))) {
        super(handle, C.mf_network_free);
        for (const layer of layers)
            check(C.mf_network_append(this.handle, layer.handle, null));
        const first = receive(out => C.mf_network_layer(this.handle, 0, out, null));
        const goodness = makeResult('mf_shape');
        check(C.mf_layer_goodness_shape(first, goodness));
        this.#inputs = this.describe(0).inputs;
        this.#scores = goodness.dims[0] * goodness.dims[1];
        this.#labels = goodness.rank === 2 ? goodness.dims[0] : 1;
    }

    // What the layer at a position is: the fields of its spec.
    describe(position) {
        checkNumber('the position', position, 'UInt64');
        const layer = receive(out => C.mf_network_layer(this.handle, position, out, null));
        const spec = makeResult('mf_layer_spec');
        check(C.mf_layer_describe(layer, spec));
        return spec;
    }

    static load(path) {
        return new Network([], receive(out => C.mf_network_load(null, checkText(path), out)));
    }

    save(path) {
        check(C.mf_network_save(this.handle, constants.MF_CONTENTS_MODEL, checkText(path)));
    }

    // What the network is, as lines for people, with the memory that training on such batches takes.
    summary(maxBatch) {
        checkNumber('the number of rows', maxBatch, 'UInt64');
        const needed = [0];
        const status = C.mf_network_summary(this.handle, maxBatch, null, 0, needed);
        if (status !== constants.MF_STATUS_CAPACITY)
            check(status);
        const text = Buffer.alloc(needed[0]);
        check(C.mf_network_summary(this.handle, maxBatch, text, text.length, needed));
        return text.toString('utf8', 0, text.length - 1);
    }

    setOptimizer(optimizer) {
        if (!(optimizer instanceof Optimizer)) // it would have no handle, and to C that means no optimizer
            throw new TypeError(`${show(optimizer)} is no Optimizer`);
        check(C.mf_network_set_optimizer(this.handle, optimizer.handle));
    }

    // An mf_batch of `rows` rows; y is null where there are no labels.
    makeBatch(rows, x, y, scaling) {
        const {scale = 0, shift = 0, ...others} = merge(scaling);
        for (const name of Object.keys(others))
            throw new TypeError(`there is no option ${name}`);
        checkNumber('scale', scale, 'Float32');
        checkNumber('shift', shift, 'Float32');
        const [array, type] = inputType(x);
        checkArray('x', x, array, rows, this.#inputs);
        return {struct_size: koffi.sizeof('mf_batch'), target_type: constants.MF_TYPE_INT32, input_type: type, rows,
            inputs: x, targets: y, input_scale: scale, input_shift: shift};
    }

    // The same with labels: one for each row, or one for each of its positions.
    makeLabelledBatch(x, y, scaling) {
        const rows = Math.floor(y.length / this.#labels);
        checkArray('y', y, Int32Array, rows, this.#labels);
        return this.makeBatch(rows, x, y, scaling);
    }

    // Trains every layer on one batch: x [rows, inputs], y [rows], or [rows, positions] for goodness at
    // positions. With bytes the inputs are (byte + shift) * scale, or byte / 255 without {scale, shift}; with
    // bytes and Int32Array the purpose of the workspace has MF_WORKSPACE_CONVERT added.
    step(workspace, x, y, scaling) {
        check(C.mf_network_step_batch(this.handle, workspace.handle, this.makeLabelledBatch(x, y, scaling)));
    }

    // Fills the reports of the workspace, without learning.
    evaluate(workspace, x, y, scaling) {
        check(C.mf_network_evaluate_batch(this.handle, workspace.handle, this.makeLabelledBatch(x, y, scaling)));
    }

    // The class of every row. `mode` is MF_PREDICT_LAST or MF_PREDICT_SUM.
    predict(workspace, mode, x, scaling) {
        checkNumber('the mode', mode, 'Int32');
        const rows = Math.floor(x.length / this.#inputs), labels = new Int32Array(rows * this.#labels);
        const batch = this.makeBatch(rows, x, null, scaling);
        check(C.mf_network_infer(this.handle, workspace.handle, mode, batch, labels, null, null));
        return labels;
    }

    // The `count` best classes of every row, best first, row after row, with their scores and probabilities.
    top(workspace, mode, x, count, scaling) {
        checkNumber('the mode', mode, 'Int32');
        checkNumber('the number of classes', count, 'UInt64');
        const rows = Math.floor(x.length / this.#inputs), batch = this.makeBatch(rows, x, null, scaling);
        const room = rows * Math.min(Number(count) * this.#labels, this.#scores); // more are refused
        const labels = new Int32Array(room), goodness = new Float32Array(room), probabilities = new Float32Array(room);
        check(C.mf_network_top(this.handle, workspace.handle, mode, batch, count, labels, goodness, probabilities));
        return {labels, goodness, probabilities};
    }

    // One probability per class, row after row.
    probabilities(workspace, mode, x, scaling) {
        checkNumber('the mode', mode, 'Int32');
        const rows = Math.floor(x.length / this.#inputs);
        const batch = this.makeBatch(rows, x, null, scaling);
        const values = new Float32Array(rows * this.#scores);
        check(C.mf_network_infer(this.handle, workspace.handle, mode, batch, null, null, values));
        return values;
    }
}

// ---- workspaces ----

class Workspace extends Handle {
    constructor(network, maxBatch, purpose = constants.MF_WORKSPACE_TRAINING) {
        const spec = makeSpec('workspace', {network: network.handle, max_batch: maxBatch, purpose});
        super(receive(out => C.mf_workspace_create(spec, out)), C.mf_workspace_free);
    }

    // What the layer at a position did, 0 being the first; without one, how the sum of all did in an
    // evaluation.
    report(position) {
        const report = makeResult('mf_report');
        if (position === undefined) {
            check(C.mf_workspace_report_sum(this.handle, report));
        } else {
            checkNumber('the position', position, 'UInt64');
            check(C.mf_workspace_report(this.handle, position, report));
        }
        return report;
    }
}

// ---- pipelines ----

class Pipeline extends Handle {
    #network;
    #listener;

    // new Pipeline(network, {workers: 2, max_batch: 64}, onReport). onReport hears what each layer did with
    // each batch; if it returns true the pipeline stops, if false or nothing it goes on.
    constructor(network, options, onReport = () => false) {
        const listener = {onReport, failure: null};
        const callback = koffi.register((_, report) => hear(listener, report), koffi.pointer(REPORT_CALLBACK));
        let handle;
        try {
            const spec = makeSpec('pipeline', options, {network: network.handle, on_report: callback});
            handle = receive(out => C.mf_pipeline_create(spec, out));
        } catch (error) {
            koffi.unregister(callback);
            throw error;
        }
        // There are only so many callbacks, so each is given back; not before the pipeline, which might call
        // it.
        super(handle, pipeline => {
            C.mf_pipeline_free(pipeline);
            koffi.unregister(callback);
        });
        this.#network = network;
        this.#listener = listener;
    }

    submit(x, y, scaling) {
        this.#settle(C.mf_pipeline_submit_batch(this.handle, this.#network.makeLabelledBatch(x, y, scaling)));
    }

    // Waits until every batch has been learned.
    flush() {
        this.#settle(C.mf_pipeline_flush(this.handle));
    }

    // What the callback has thrown goes on here, with the library's frames behind it.
    #settle(status) {
        const {failure} = this.#listener;
        if (failure !== null && !failure.thrown) {
            failure.thrown = true;
            throw failure.error;
        }
        check(status);
    }
}

const REPORT_CALLBACK = 'mf_pipeline_spec_on_report';

// An exception must not run through the library's frames: it stops the pipeline and waits for them to return.
// What the pipeline still reports, nobody hears.
function hear(listener, report) {
    if (listener.failure !== null)
        return 1;
    try {
        return stops(listener.onReport(koffi.decode(report, 'mf_pipeline_report')));
    } catch (error) {
        listener.failure = {error, thrown: false};
        return 1;
    }
}

// The answer for the library: other than 0 stops. A number may be a mistake, such as what push() returns.
function stops(answer) {
    if (answer !== undefined && typeof answer !== 'boolean')
        throw new TypeError(`onReport returned ${show(answer)}: it returns true to stop, and false or nothing to go on`);
    return answer ? 1 : 0;
}

// ---- the library ----

function version() {
    return C.mf_version();
}

// What is right beside a pipeline, for the whole process; a library without threads has one as it is.
function oneBlasThread() {
    const status = C.mf_blas_set_threads(1);
    if (status !== constants.MF_STATUS_UNSUPPORTED)
        check(status);
}

module.exports = {...constants, MonoforwardError, Optimizer, Layer, Matrix, Builder, Network, Workspace, Pipeline, version,
    oneBlasThread};
