// Libmonoforward as WebAssembly, which trains neural networks without backpropagation: every layer learns from its own
// loss. For browsers, workers and Node; build.sh puts monoforward.wasm beside this file.
//
// Objects have the names and methods of ../node, as far as they are here: they own handles of the library, which the
// garbage collector frees some time and dispose() at once. Data are Float32Array and Int32Array, copied into the memory
// of the WebAssembly and out of it. A call that fails throws a MonoforwardError.
//
// Options are the fields of the specs in monoforward.h, and constants have their names there.
//
// SPDX-License-Identifier: MIT
import {constants, structs} from './abi.js';

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
        const address = C.malloc(Math.max(bytes, 1));
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
        if (`${text}`.includes('\0'))
            throw new TypeError('a character 0 within a text');
        return this.put(new TextEncoder().encode(`${text}\0`));
    }

    // A struct with the library's defaults and the caller's options. A number would be taken for no options.
    makeStruct(name, init, options = {}) {
        if (typeof options !== 'object')
            throw new TypeError(`the options are ${options}, expected an object`);
        const address = this.take(structs[name].bytes);
        check(init(address, structs[name].bytes));
        for (const [field, value] of Object.entries(options))
            writeField(name, address, field, value);
        return address;
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
        throw new TypeError(`${name} is ${value}, expected a number`);
    if (range && (typeof value === 'number' && !Number.isInteger(value) || value < range[0] || value > range[1]))
        throw new RangeError(`${name} is ${value}, expected a whole number from ${range[0]} to ${range[1]}`);
    if (Number.isNaN(value))
        throw new RangeError(`${name} is ${value}, expected a number`);
    return kind === 'BigUint64' ? BigInt(value) : Number(value);
}

// A field that is undefined is as if it were not there.
function writeField(struct, address, field, value) {
    const known = structs[struct].fields[field];
    if (known === undefined)
        throw new TypeError(`there is no option ${field}`);
    if (value === undefined)
        return;
    const [kind, offset, count = 1] = known, data = view();
    if (count > 1 && (!Array.isArray(value) || value.length !== count))
        throw new TypeError(`${field} is ${value}, expected an array of ${count}`);
    for (const [i, one] of (count > 1 ? value : [value]).entries())
        data[`set${kind}`](address + offset + 4 * i, checkNumber(field, one, kind), true);
}

// A struct as an object. As in Node an integer beyond 2^53, from where on numbers are no longer exact, is a BigInt.
function readStruct(name, address) {
    const data = view(), result = {};
    for (const [field, [kind, offset, count = 1]] of Object.entries(structs[name].fields)) {
        const values = Array.from({length: count}, (_, i) => {
            const value = data[`get${kind}`](address + offset + 4 * i, true);
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
    constructor(options) {
        super(withRoom(room => {
            const spec = room.makeStruct('mf_layer_spec', C.mf_layer_spec_init, options);
            return room.receive(out => C.mf_layer_create(spec, out));
        }), C.mf_layer_free);
    }

    setOptimizer(optimizer) {
        check(C.mf_layer_set_optimizer(this.handle, handleOf(optimizer)));
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
            const shape = room.makeStruct('mf_shape', C.mf_shape_init);
            check(C.mf_layer_goodness_shape(layer, shape));
            const {rank, dims} = readStruct('mf_shape', shape);
            return dims.slice(0, rank);
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

    // Trains every layer on one batch: x [rows, inputs], y [rows], or [rows, positions] for goodness at positions.
    step(workspace, x, y) {
        this.#learn(C.mf_network_step, workspace, x, y);
    }

    // Fills the reports of the workspace, without learning.
    evaluate(workspace, x, y) {
        this.#learn(C.mf_network_evaluate, workspace, x, y);
    }

    #learn(call, workspace, x, y) {
        const rows = Math.floor(y.length / workspace.labels);
        checkArray('y', y, Int32Array, rows, workspace.labels);
        checkArray('x', x, Float32Array, rows, workspace.inputs);
        withRoom(room => check(call(this.handle, workspace.handle, rows, room.put(x), room.put(y))));
    }

    // The class of every row, or of each of its positions. `mode` is MF_PREDICT_LAST or MF_PREDICT_SUM.
    predict(workspace, mode, x) {
        return this.#infer(C.mf_network_predict, workspace, mode, x, Int32Array, workspace.labels);
    }

    // One probability per class, row after row.
    probabilities(workspace, mode, x) {
        return this.#infer(C.mf_network_probabilities, workspace, mode, x, Float32Array, workspace.labels * workspace.classes);
    }

    #infer(call, workspace, mode, x, type, columns) {
        checkNumber('the mode', mode, 'Int32');
        const rows = Math.floor(x.length / workspace.inputs);
        checkArray('x', x, Float32Array, rows, workspace.inputs);
        return withRoom(room => {
            const result = room.take(4 * rows * columns);
            check(call(this.handle, workspace.handle, mode, rows, room.put(x), result));
            return new type(C.memory.buffer, result, rows * columns).slice();
        });
    }
}

// ---- workspaces ----

export class Workspace extends Handle {
    constructor(network, maxBatch, purpose = constants.MF_WORKSPACE_TRAINING) {
        super(withRoom(room => {
            const spec = room.makeStruct('mf_workspace_spec', C.mf_workspace_spec_init,
                {network: network.handle, max_batch: maxBatch, purpose});
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
