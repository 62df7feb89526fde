// A network that learns drawings: what the page's worker runs. SPDX-License-Identifier: MIT
import * as mf from '../monoforward.js';
import {SIZE, randomNumbers, render, vary} from './images.js';
import {drawDigit} from './starter.js';

const {MF_PREDICT_LAST, MF_PREDICT_SUM} = mf.constants;
const INPUTS = SIZE * SIZE;
const WIDTH = 128; // neurons in a layer
const BATCH = 32;
const MOST_CHECKS = 512;
const CHECK_EVERY = 5; // of so many drawings of a class, one is for checking and is not learned
const STARTER_DRAWINGS = 20; // of each digit

export class Learner {
    #optimizer = new mf.Optimizer({learning_rate: 0.002});
    #network;
    #workspace;
    #examples = new Map(); // of each class, by name: {learn, check}, lists of images
    #random = randomNumbers(20260101);
    #next = 0; // class of the next row of a batch
    #losses; // of each layer: a mean that follows
    #ids; // of each layer: a number that stays with it
    #lastId = 0;
    #x = new Float32Array(BATCH * INPUTS);
    #y = new Int32Array(BATCH);

    constructor(names = ['0', '1', '2'], layers = 2) {
        this.names = [...names];
        this.steps = 0;
        this.#use(new mf.Network(Array.from({length: layers}, (_, i) => this.#makeLayer(i === 0 ? INPUTS : WIDTH, WIDTH))));
    }

    #makeLayer(inputs, outputs) {
        const seed = 1 + Math.floor(this.#random() * 2 ** 24);
        return new mf.Layer({inputs, outputs, classes: this.names.length, seed});
    }

    // From a network that has come from somewhere.
    #use(network) {
        this.#network?.dispose();
        this.#network = network;
        network.setOptimizer(this.#optimizer);
        this.#ids = Array.from({length: network.size}, () => ++this.#lastId);
        this.#losses = this.#ids.map(() => null);
        for (const name of this.#examples.keys()) {
            if (!this.names.includes(name))
                this.#examples.delete(name);
        }
        this.#changed();
    }

    // Whatever changes the network makes its workspaces stale.
    #changed() {
        this.#workspace?.dispose();
        this.#workspace = new mf.Workspace(this.#network, MOST_CHECKS);
    }

    // ---- drawings ----

    addExample(image, name) {
        if (!this.#examples.has(name))
            this.#examples.set(name, {learn: [], check: []});
        const {learn, check} = this.#examples.get(name);
        const number = learn.length + check.length + 1;
        (number % CHECK_EVERY === 0 ? check : learn).push(image);
    }

    addStarterDigits() {
        for (let digit = 0; digit < 10; digit++) {
            if (!this.names.includes(`${digit}`))
                this.addClass(`${digit}`);
            for (let i = 0; i < STARTER_DRAWINGS; i++)
                this.addExample(render(drawDigit(digit, this.#random)), `${digit}`);
        }
    }

    // ---- changes of the network ----

    // Every layer gets another projection. What the layers have learned of their inputs stays.
    addClass(name) {
        if (this.names.includes(name))
            throw new RangeError(`there is a class ${name} already`);
        this.#network.setClasses(this.names.length + 1);
        this.names.push(name);
        this.#changed();
    }

    // Plugs a layer in that nobody has trained. The layers before it do not notice.
    addLayer(position) {
        const outputs = this.#network.describe(position - 1).outputs;
        const layer = this.#makeLayer(outputs, outputs);
        layer.setOptimizer(this.#optimizer);
        this.#network.insert(position, layer);
        layer.dispose();
        this.#ids.splice(position, 0, ++this.#lastId);
        this.#losses.splice(position, 0, null);
        this.#changed();
    }

    removeLayer(position) {
        this.#network.remove(position);
        this.#ids.splice(position, 1);
        this.#losses.splice(position, 1);
        this.#changed();
    }

    // ---- learning ----

    // There is nothing to tell apart before two classes have drawings.
    get ready() {
        return this.#examples.size >= 2;
    }

    // One batch: of the classes in turn, drawings that are varied each time.
    step() {
        const names = [...this.#examples.keys()];
        for (let row = 0; row < BATCH; row++) {
            const name = names[this.#next++ % names.length], {learn} = this.#examples.get(name);
            const image = learn[Math.floor(this.#random() * learn.length)];
            vary(image, this.#x.subarray(row * INPUTS, (row + 1) * INPUTS), this.#random);
            this.#y[row] = this.names.indexOf(name);
        }
        this.#network.step(this.#workspace, this.#x, this.#y);
        this.steps++;
        this.#losses = this.#losses.map((mean, i) => {
            const {loss} = this.#workspace.report(i);
            return mean === null ? loss : 0.95 * mean + 0.05 * loss;
        });
    }

    // Of each layer and of their sum, the share of the drawings for checking that it recognises; null without any.
    #check() {
        const images = [], labels = [];
        for (const [name, {check}] of this.#examples) {
            images.push(...check);
            labels.push(...check.map(() => this.names.indexOf(name)));
        }
        const rows = Math.min(images.length, MOST_CHECKS);
        if (rows === 0)
            return {layers: this.#ids.map(() => null), sum: null};
        const x = new Float32Array(rows * INPUTS);
        images.slice(-rows).forEach((image, i) => x.set(image, i * INPUTS));
        this.#network.evaluate(this.#workspace, x, Int32Array.from(labels.slice(-rows)));
        const share = position => this.#workspace.report(position).correct / rows;
        return {layers: this.#ids.map((_, i) => share(i)), sum: share()};
    }

    // Everything that the page shows.
    describe() {
        const {layers, sum} = this.#check();
        return {
            steps: this.steps,
            classes: this.names.map(name => {
                const {learn, check} = this.#examples.get(name) ?? {learn: [], check: []};
                return {name, drawings: learn.length + check.length};
            }),
            layers: this.#ids.map((id, i) =>
                ({id, outputs: this.#network.describe(i).outputs, loss: this.#losses[i], accuracy: layers[i]})),
            sum,
        };
    }

    // The probability of each class, by the last layer and by the sum of all.
    predict(image) {
        return {
            last: this.#network.probabilities(this.#workspace, MF_PREDICT_LAST, image),
            sum: this.#network.probabilities(this.#workspace, MF_PREDICT_SUM, image),
        };
    }

    // ---- files ----

    save() {
        this.#network.setMetadata('class_names', this.names.join('\n'));
        return this.#network.save();
    }

    // Drawings stay, but for those of classes that this network does not know.
    load(bytes) {
        const network = mf.Network.load(bytes), {inputs, classes} = network.describe(0);
        const refuse = why => {
            network.dispose();
            throw new RangeError(why);
        };
        if (inputs !== INPUTS)
            refuse(`a network for ${inputs} inputs; a drawing has ${INPUTS}`);
        if (network.goodnessShape(0).length !== 1)
            refuse('a network that answers for positions; a drawing has one answer');
        this.names = classNames(network, classes) ?? Array.from({length: classes}, (_, i) => `${i}`);
        this.#use(network);
    }
}

// null where the file has none, or not one of its own for each class, by which drawings are told apart.
function classNames(network, classes) {
    try {
        const names = network.getMetadata('class_names').split('\n');
        return names.length === classes && new Set(names).size === classes ? names : null;
    } catch (error) {
        if (error.status === mf.constants.MF_STATUS_NOT_FOUND)
            return null;
        throw error;
    }
}
