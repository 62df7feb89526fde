// Libmonoforward as WebAssembly, which trains neural networks without backpropagation: every layer learns from its own
// loss. For browsers, workers and Node; build.sh puts monoforward.wasm beside this file.
//
// Objects have the names and methods of ../node, as far as they are here: they own handles of the library, which the
// garbage collector frees some time and dispose() at once. Data are Float32Array, Int32Array and Uint8Array, copied
// into the memory of the WebAssembly and out of it. A call that fails throws a MonoforwardError.
//
// Options are the fields of the specs in monoforward.h, and constants have their names there.
//
// SPDX-License-Identifier: MIT
import {constants, structs} from './abi.js';
import {both, inputType, merge, show, withUnits} from './shared.js';

const C = await start(new URL('monoforward.wasm', import.meta.url));

// ---- the WebAssembly ----

async function readBytes(url) {
    if (url.protocol === 'file:') // in Node, whose fetch() reads no files
        return (await import('node:fs/promises')).readFile(url);
    const answer = await fetch(url);
    if (!answer.ok)
        throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
    return answer.arrayBuffer();
}

// What the C library imports is for files, clocks and the environment. There are none here: every call fails, as on a
// system that does not know it.
function missing({name}) {
    const noSuchCall = name.startsWith('__syscall') ? -52 : 52;
    return () => noSuchCall;
}

async function start(url) {
    const module = await WebAssembly.compile(await readBytes(url)), imports = {};
    for (const one of WebAssembly.Module.imports(module))
        (imports[one.module] ??= {})[one.name] = missing(one);
    const {exports} = await WebAssembly.instantiate(module, imports);
    exports._initialize();
    return exports;
}

// Memory moves when it grows, so views are made when they are used.
function view() {
    return new DataView(C.memory.buffer);
}

// What calls are handed lies in memory of the WebAssembly, which is given back when the calls are done.
class Room {
    #blocks = [];

    take(bytes) {
        // The memory of a WebAssembly ends at 4 GiB, where malloc would take a number of bytes for the rest of it.
        const address = bytes < 2 ** 32 ? C.malloc(Math.max(bytes, 1)) : 0;
        if (address === 0)
            throw new MonoforwardError(constants.MF_STATUS_MEMORY, `there is no room for ${bytes} bytes`);
        this.#blocks.push(address);
        return address;
    }

    // A copy of an array.
    put(array) {
        const address = this.take(array.byteLength);
        new Uint8Array(C.memory.buffer, address, array.byteLength)
            .set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
        return address;
    }

    // The library would end a text at its first 0.
    putText(text) {
        if (typeof text !== 'string')
            throw new TypeError(`${show(text)} is no text`);
        if (text.includes('\0'))
            throw new TypeError('a character 0 within a text');
        return this.put(new TextEncoder().encode(`${text}\0`));
    }

    // A struct with the library's defaults and the caller's options.
    makeStruct(name, init, ...options) {
        const address = this.take(structs[name].bytes);
        check(init(address, structs[name].bytes));
        for (const [field, value] of Object.entries(merge(...options)))
            writeField(name, address, field, value);
        return address;
    }

    // The shape of a row: [values] or [maps, height, width].
    makeShape(sizes) {
        const count = structs.mf_shape.fields.dims[2], dims = Array.from({length: count}, (_, i) => sizes[i] ?? 0);
        return this.makeStruct('mf_shape', C.mf_shape_init, {rank: sizes.length, dims});
    }

    // What a call stores through an out-pointer of 4 or 8 bytes.
    receive(call, bytes = 4) {
        const out = this.take(bytes);
        check(call(out));
        return bytes === 8 ? view().getBigUint64(out, true) : view().getUint32(out, true);
    }

    free() {
        this.#blocks.forEach(C.free);
    }
}

function withRoom(work) {
    const room = new Room();
    try {
        return work(room);
    } finally {
        room.free();
    }
}

// What integers of a kind may be.
const RANGES = {Int32: [-(2 ** 31), 2 ** 31 - 1], Uint32: [0, 2 ** 32 - 1], BigUint64: [0, 2n ** 64n - 1n]};

// The value itself. WebAssembly would take what is no number for 0, and cut off a fraction.
function checkNumber(name, value, kind) {
    const range = RANGES[kind];
    if (typeof value !== 'number' && (typeof value !== 'bigint' || !range))
        throw new TypeError(`${name} is ${show(value)}, expected a number`);
    if (range && (typeof value === 'number' && !Number.isInteger(value) || value < range[0] || value > range[1]))
        throw new RangeError(`${name} is ${value}, expected a whole number from ${range[0]} to ${range[1]}`);
    if (Number.isNaN(value))
        throw new RangeError(`${name} is ${value}, expected a number`);
    return kind === 'BigUint64' ? BigInt(value) : Number(value);
}

// A field that is undefined is as if it were not there, and pointers are no options.
function writeField(struct, address, field, value) {
    const known = structs[struct].fields[field];
    if (known === undefined || known[0] === 'Pointer' || field === 'struct_size')
        throw new TypeError(`there is no option ${field}`);
    if (value === undefined)
        return;
    const [kind, offset, count = 1] = known, data = view();
    if (count > 1 && (!Array.isArray(value) || value.length !== count))
        throw new TypeError(`${field} is ${show(value)}, expected an array of ${count}`);
    for (const [i, one] of (count > 1 ? value : [value]).entries())
        data[`set${kind}`](address + offset + 4 * i, checkNumber(field, one, kind), true);
}

function writePointer(struct, address, field, target) {
    view().setUint32(address + structs[struct].fields[field][1], target, true);
}

// A struct as an object. As in Node an integer beyond 2^53, from where on numbers are no longer exact, is a BigInt.
function readStruct(name, address) {
    const data = view(), result = {};
    for (const [field, [kind, offset, count = 1]] of Object.entries(structs[name].fields)) {
        const values = Array.from({length: count}, (_, i) => {
            const value = data[`get${kind === 'Pointer' ? 'Uint32' : kind}`](address + offset + 4 * i, true);
            return value <= 2 ** 53 ? Number(value) : value;
        });
        result[field] = count > 1 ? values : values[0];
    }
    return result;
}

function readText(address) {
    const bytes = new Uint8Array(C.memory.buffer, address);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

// ---- errors ----

export class MonoforwardError extends Error {
    constructor(status, message) {
        super(message);
        this.name = 'MonoforwardError';
        this.status = status;
        this.statusName = readText(C.mf_status_name(status));
    }
}

function check(status) {
    if (status !== constants.MF_STATUS_OK)
        throw new MonoforwardError(status, readText(C.mf_last_message()));
}

function checkArray(what, array, type, rows, columns) {
    if (!(array instanceof type))
        throw new TypeError(`${what} is no ${type.name}`);
    if (array.length !== rows * columns) {
        throw new MonoforwardError(constants.MF_STATUS_SHAPE,
            `${what} has ${array.length} values, expected ${rows} rows of ${columns}`);
    }
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
        if (this.#handle === 0) {
            throw new MonoforwardError(constants.MF_STATUS_HANDLE,
                `the ${this.constructor.name} has been disposed of`);
        }
        return this.#handle;
    }

    dispose() {
        if (this.#handle === 0)
            return;
        abandoned.unregister(this);
        this.#free();
        this.#handle = 0;
    }
}

// new Optimizer({kind: MF_OPTIMIZER_SGD, learning_rate: 0.1})
export class Optimizer extends Handle {
    constructor(options = {}) {
        super(withRoom(room => {
            const spec = room.makeStruct('mf_optimizer_spec', C.mf_optimizer_spec_init, options);
            return room.receive(out => C.mf_optimizer_create(spec, out));
        }), C.mf_optimizer_free);
    }

    set(key, value) {
        check(C.mf_optimizer_set(this.handle, checkNumber('the key', key, 'Int32'),
            checkNumber('the value', value, 'Float64')));
    }
}

// What is none has no handle, and to C that means no optimizer.
function handleOf(optimizer) {
    if (!(optimizer instanceof Optimizer))
        throw new TypeError(`${optimizer} is no Optimizer`);
    return optimizer.handle;
}

// new Layer({inputs: 784, outputs: 100, classes: 10})
export class Layer extends Handle {
    // `handle` is for Builder.
    constructor(options, handle = withRoom(room => {
        const spec = room.makeStruct('mf_layer_spec', C.mf_layer_spec_init, options);
        return room.receive(out => C.mf_layer_create(spec, out));
    })) {
        super(handle, C.mf_layer_free);
    }

    setOptimizer(optimizer) {
        check(C.mf_layer_set_optimizer(this.handle, handleOf(optimizer)));
    }

    // The shape of a row of its activation, for the Builder of the next layer.
    shape() {
        return withRoom(room => readShape(room, shape => C.mf_layer_shape(this.handle, 0, shape)));
    }

    // What its units were made from.
    units() {
        return withRoom(room => {
            const count = room.receive(out => C.mf_layer_unit_count(this.handle, out));
            const unit = room.makeStruct('mf_unit_spec', C.mf_unit_spec_init);
            return Array.from({length: count}, (_, i) => {
                check(C.mf_layer_unit(this.handle, i + 1, unit, 0));
                return readStruct('mf_unit_spec', unit);
            });
        });
    }

    // Its parameters in their order: names, dims, counts of values.
    #parameters() {
        return withRoom(room => {
            const count = room.receive(out => C.mf_layer_parameter_count(this.handle, out));
            const info = room.makeStruct('mf_parameter_info', C.mf_parameter_info_init);
            return Array.from({length: count}, (_, i) => {
                check(C.mf_layer_parameter_info(this.handle, i, info));
                const told = readStruct('mf_parameter_info', info);
                return {...told, name: readText(told.name)};
            });
        });
    }

    // The names of its parameters, in their order.
    parameterNames() {
        return this.#parameters().map(({name}) => name);
    }

    // A copy of "weight", "bias" or "projection". Of another name the library says that there is no such parameter.
    parameter(name) {
        const {count = 0} = this.#parameters().find(info => info.name === name) ?? {};
        return withRoom(room => {
            const values = room.take(4 * count);
            check(C.mf_layer_get_parameter(this.handle, room.putText(name), values, count));
            return new Float32Array(C.memory.buffer, values, count).slice();
        });
    }

    // Replaces the values of a parameter, such as the "head.counts" that candidates are drawn by.
    setParameter(name, values) {
        if (!(values instanceof Float32Array))
            throw new TypeError('values is no Float32Array');
        withRoom(room => check(
            C.mf_layer_set_parameter(this.handle, room.putText(name), room.put(values), values.length)));
    }
}

// The sizes in an mf_shape that a call fills.
function readShape(room, call) {
    const shape = room.makeStruct('mf_shape', C.mf_shape_init);
    check(call(shape));
    const {rank, dims} = readStruct('mf_shape', shape);
    return dims.slice(0, rank);
}

// ---- matrices that heads share ----

// new Matrix(classes, columns, values): for head(classes, {shared: matrix}) of as many layers as read it. The values, a
// Float32Array of a row for each class, are copied, and no layer learns them.
export class Matrix extends Handle {
    // `handle` is for fromParameter().
    constructor(rows, columns, values, handle = withRoom(room => {
        const spec = room.makeStruct('mf_matrix_spec', C.mf_matrix_spec_init, {rows, columns});
        checkArray('values', values, Float32Array, rows, columns);
        writePointer('mf_matrix_spec', spec, 'values', room.put(values));
        return room.receive(out => C.mf_matrix_create(spec, out));
    })) {
        super(handle, C.mf_matrix_free);
    }

    // With the values that a layer's parameter has now, such as those of an embedding.
    static fromParameter(layer, name) {
        return new Matrix(0, 0, null, withRoom(room => {
            const text = room.putText(name);
            return room.receive(out => C.mf_matrix_from_parameter(layer.handle, text, 0, out));
        }));
    }
}

// ---- layers of several units ----

// new Builder([16, 32, 32], {seed: 1}) makes layers whose rows have this shape. Each call adds a unit and returns the
// builder, so that calls can be chained:
//
//     const block = new mf.Builder([16, 32, 32]).conv2d(16).batchNorm().relu()
//         .conv2d(16).batchNorm().add(0).relu().head(10).build();
//
// More options of a unit, a block or the head are the fields of their specs: conv2d(16, {bias: 0}). The words for units
// and blocks are in shared.js.
export class Builder extends withUnits(Handle) {
    #node = 0;
    #next = constants.MF_NODE_PREVIOUS;

    constructor(shape, options) {
        super(withRoom(room => {
            const spec = room.makeStruct('mf_builder_spec', C.mf_builder_spec_init, options);
            writePointer('mf_builder_spec', spec, 'input', room.makeShape(shape));
            return room.receive(out => C.mf_builder_create(spec, out));
        }), C.mf_builder_free);
    }

    // Adds any unit.
    unit(kind, ...options) {
        return this.#add(C.mf_builder_unit, room => {
            const spec = room.makeStruct('mf_unit_spec', C.mf_unit_spec_init, {kind}, ...options);
            if (this.#next !== constants.MF_NODE_PREVIOUS)
                view().setInt32(spec + structs.mf_unit_spec.fields.inputs[1], this.#next, true);
            return spec;
        });
    }

    // Adds the units of a ready-made block. A stride is one number, or an array of two.
    block(kind, options) {
        const {stride = 0, ...more} = merge(options);
        return this.#add(C.mf_builder_block, room => room.makeStruct('mf_block_spec', C.mf_block_spec_init,
            {kind, stride: both(stride), input: this.#next}, more));
    }

    #add(call, makeSpec) {
        this.#node = withRoom(room => {
            const spec = makeSpec(room);
            this.#next = constants.MF_NODE_PREVIOUS;
            return room.receive(out => call(this.handle, spec, out));
        });
        return this;
    }

    // The next unit or block reads this node instead of the one before.
    branch(node) {
        this.#next = checkNumber('the node', node, 'Int32');
        return this;
    }

    head(classes, options) {
        const {shared, ...more} = merge(options);
        if (shared !== undefined && !(shared instanceof Matrix))
            throw new TypeError(`shared is ${show(shared)}, expected a Matrix`);
        withRoom(room => {
            const spec = room.makeStruct('mf_head_spec', C.mf_head_spec_init, {classes, ...more});
            if (shared !== undefined)
                writePointer('mf_head_spec', spec, 'shared', shared.handle);
            check(C.mf_builder_head(this.handle, spec));
        });
        return this;
    }

    // The number of the node that was added last; 0 if there is none.
    node() {
        return this.#node;
    }

    // Makes a Layer, and another one each time.
    build() {
        return new Layer({}, withRoom(room => room.receive(out => C.mf_layer_build(this.handle, out))));
    }
}

// ---- networks ----

export class Network extends Handle {
    // A network of layers, first to last; it keeps references of its own to them. `handle` is for load().
    constructor(layers, handle = withRoom(room => room.receive(out => C.mf_network_create(0, out)))) {
        super(handle, C.mf_network_free);
        for (const layer of layers)
            this.insert(this.size, layer);
    }

    // From the bytes of a model file, an ArrayBuffer or a view of one. `contents` may be MF_CONTENTS_TRAINING.
    static load(bytes, contents = constants.MF_CONTENTS_MODEL) {
        if (!ArrayBuffer.isView(bytes))
            bytes = new Uint8Array(bytes);
        return new Network([], withRoom(room => {
            const spec = room.makeStruct('mf_load_spec', C.mf_load_spec_init, {contents});
            const buffer = room.put(bytes);
            return room.receive(out => C.mf_network_load_buffer(spec, buffer, bytes.byteLength, out));
        }));
    }

    // The bytes of a model file.
    save(contents = constants.MF_CONTENTS_MODEL) {
        checkNumber('contents', contents, 'Int32');
        return withRoom(room => {
            const bytes = room.receive(out => C.mf_network_save_size(this.handle, contents, out));
            const buffer = room.take(bytes);
            check(C.mf_network_save_buffer(this.handle, contents, buffer, bytes, 0));
            return new Uint8Array(C.memory.buffer, buffer, bytes).slice();
        });
    }

    get size() {
        return withRoom(room => room.receive(out => C.mf_network_size(this.handle, out)));
    }

    #layer(room, position) {
        checkNumber('the position', position, 'Uint32');
        return room.receive(out => C.mf_network_layer(this.handle, position, out, 0));
    }

    // What the layer at a position is: the fields of its spec.
    describe(position) {
        return withRoom(room => {
            const layer = this.#layer(room, position);
            const spec = room.makeStruct('mf_layer_spec', C.mf_layer_spec_init);
            check(C.mf_layer_describe(layer, spec));
            return readStruct('mf_layer_spec', spec);
        });
    }

    // The scores of a row: [classes], or [positions, classes] where each position has a label of its own.
    goodnessShape(position) {
        return withRoom(room => {
            const layer = this.#layer(room, position);
            return readShape(room, shape => C.mf_layer_goodness_shape(layer, shape));
        });
    }

    // Workspaces that were made before a layer comes or goes are stale.
    insert(position, layer) {
        check(C.mf_network_insert(this.handle, checkNumber('the position', position, 'Uint32'), layer.handle, 0));
    }

    remove(position) {
        checkNumber('the position', position, 'Uint32');
        withRoom(room => {
            const id = room.receive(out => C.mf_network_layer(this.handle, position, 0, out), 8);
            check(C.mf_network_remove(this.handle, id));
        });
    }

    // The projections start anew, and workspaces are stale.
    setClasses(classes) {
        check(C.mf_network_set_classes(this.handle, checkNumber('the number of classes', classes, 'Uint32')));
    }

    setOptimizer(optimizer) {
        check(C.mf_network_set_optimizer(this.handle, handleOf(optimizer)));
    }

    // Texts that are saved with the network.
    setMetadata(name, value) {
        withRoom(room => check(C.mf_network_metadata_set(this.handle, room.putText(name), room.putText(value))));
    }

    getMetadata(name) {
        return withRoom(room => {
            const text = room.putText(name);
            return readText(room.receive(out => C.mf_network_metadata_get(this.handle, text, out)));
        });
    }

    // What the network is, as lines for people, with the memory that training on such batches takes.
    summary(maxBatch) {
        maxBatch = checkNumber('the number of rows', maxBatch, 'Uint32');
        return withRoom(room => {
            const needed = room.take(4), status = C.mf_network_summary(this.handle, maxBatch, 0, 0, needed);
            if (status !== constants.MF_STATUS_CAPACITY)
                check(status);
            const bytes = view().getUint32(needed, true), text = room.take(bytes);
            check(C.mf_network_summary(this.handle, maxBatch, text, bytes, needed));
            return readText(text);
        });
    }

    // Trains every layer on one batch: x [rows, inputs], y [rows], or [rows, positions] for goodness at positions. x is a
    // Float32Array or, if the purpose of the workspace has MF_WORKSPACE_CONVERT added, an Int32Array, of tokens, or a
    // Uint8Array: the inputs are then (byte + shift) * scale, or byte / 255 without {scale, shift}.
    step(workspace, x, y, scaling) {
        this.#learn(C.mf_network_step_batch, workspace, x, y, scaling);
    }

    // Fills the reports of the workspace, without learning.
    evaluate(workspace, x, y, scaling) {
        this.#learn(C.mf_network_evaluate_batch, workspace, x, y, scaling);
    }

    #learn(call, workspace, x, y, scaling) {
        const rows = Math.floor(y.length / workspace.labels);
        checkArray('y', y, Int32Array, rows, workspace.labels);
        withRoom(room => {
            const batch = makeBatch(room, workspace, rows, x, scaling);
            writePointer('mf_batch', batch, 'targets', room.put(y));
            check(call(this.handle, workspace.handle, batch));
        });
    }

    // The class of every row, or of each of its positions. `mode` is MF_PREDICT_LAST or MF_PREDICT_SUM.
    predict(workspace, mode, x, scaling) {
        const ask = (batch, labels) => C.mf_network_infer(this.handle, workspace.handle, mode, batch, labels, 0, 0);
        return infer(workspace, mode, x, scaling, [[Int32Array, workspace.labels]], ask)[0];
    }

    // One probability per class, row after row.
    probabilities(workspace, mode, x, scaling) {
        const ask = (batch, values) => C.mf_network_infer(this.handle, workspace.handle, mode, batch, 0, 0, values);
        return infer(workspace, mode, x, scaling, [[Float32Array, workspace.labels * workspace.classes]], ask)[0];
    }

    // The `count` best classes of every row, best first, row after row, with their scores and probabilities.
    top(workspace, mode, x, count, scaling) {
        count = checkNumber('the number of classes', count, 'Uint32');
        const columns = workspace.labels * Math.min(count, workspace.classes); // more are refused
        const ask = (batch, ...results) =>
            C.mf_network_top(this.handle, workspace.handle, mode, batch, count, ...results);
        const types = [Int32Array, Float32Array, Float32Array];
        const [labels, goodness, probabilities] =
            infer(workspace, mode, x, scaling, types.map(type => [type, columns]), ask);
        return {labels, goodness, probabilities};
    }
}

// An mf_batch without labels.
function makeBatch(room, workspace, rows, x, scaling) {
    const {scale, shift, ...others} = merge(scaling), [array, type] = inputType(x);
    for (const name of Object.keys(others))
        throw new TypeError(`there is no option ${name}`);
    checkArray('x', x, array, rows, workspace.inputs);
    const batch = room.makeStruct('mf_batch', C.mf_batch_init,
        {rows, input_type: type, input_scale: scale, input_shift: shift});
    writePointer('mf_batch', batch, 'inputs', room.put(x));
    return batch;
}

// Calls ask(batch, ...) with room for each result, [type, values of a row], and returns copies of them.
function infer(workspace, mode, x, scaling, results, ask) {
    checkNumber('the mode', mode, 'Int32');
    const rows = Math.floor(x.length / workspace.inputs);
    return withRoom(room => {
        const places = results.map(([, columns]) => room.take(4 * rows * columns));
        check(ask(makeBatch(room, workspace, rows, x, scaling), ...places));
        return results.map(([type, columns], i) => new type(C.memory.buffer, places[i], rows * columns).slice());
    });
}

// ---- workspaces ----

export class Workspace extends Handle {
    constructor(network, maxBatch, purpose = constants.MF_WORKSPACE_TRAINING) {
        super(withRoom(room => {
            const spec = room.makeStruct('mf_workspace_spec', C.mf_workspace_spec_init, {max_batch: maxBatch, purpose});
            writePointer('mf_workspace_spec', spec, 'network', network.handle);
            return room.receive(out => C.mf_workspace_create(spec, out));
        }), C.mf_workspace_free);
        const [classes, positions = 1] = network.goodnessShape(0).reverse();
        this.inputs = network.describe(0).inputs;
        this.labels = positions; // of a row
        this.classes = classes;
    }

    // What the layer at a position did, 0 being the first; without one, how the sum of all did in an evaluation.
    report(position) {
        return withRoom(room => {
            const report = room.makeStruct('mf_report', C.mf_report_init);
            if (position === undefined)
                check(C.mf_workspace_report_sum(this.handle, report));
            else
                check(C.mf_workspace_report(this.handle, checkNumber('the position', position, 'Uint32'), report));
            return readStruct('mf_report', report);
        });
    }
}

// ---- the library ----

export function version() {
    return readText(C.mf_version());
}

export {constants};
