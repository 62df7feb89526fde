// The page: what is drawn goes to the worker, and what the worker tells is shown. SPDX-License-Identifier: MIT
import {Chart, colour} from './chart.js';
import {render} from './images.js';
import {Pad} from './pad.js';

const worker = new Worker('worker.js', {type: 'module'});
const find = id => document.getElementById(id);
const chart = new Chart(find('chart'));
const pad = new Pad(find('pad'), guess);
let waiting = false; // for a prediction,
let outdated = false; // of a drawing that has changed since
let answer = null; // the last prediction
let state = null;

function call(name, ...args) {
    if (name !== 'predict')
        find('problem').textContent = '';
    worker.postMessage({call: name, args});
}

// ---- drawing ----

// Asks what the drawing is, one question at a time.
function guess() {
    outdated = waiting;
    if (pad.empty) {
        answer = null;
        showAnswer();
    } else if (!waiting) {
        waiting = true;
        call('predict', render(pad.strokes));
    }
}

function teach(name) {
    if (pad.empty)
        return;
    call('addExample', render(pad.strokes), name);
    pad.clear();
}

// ---- what the worker tells ----

const HEAR = {
    tell(told) {
        state = told;
        showClasses();
        showLayers();
        chart.add(state.steps, state.layers);
        guess();
    },

    predict(result) {
        answer = pad.empty ? null : result;
        showAnswer();
    },

    save(bytes) {
        const link = find('download');
        URL.revokeObjectURL(link.href);
        link.href = URL.createObjectURL(new Blob([bytes]));
        link.click();
    },
};

worker.addEventListener('message', ({data}) => {
    if (data.call === 'predict')
        waiting = false; // answered or not
    if (data.error === undefined)
        HEAR[data.call]?.(data.result);
    else
        find('problem').textContent = data.error;
    if (outdated && !waiting)
        guess();
});

worker.addEventListener('error', event => {
    find('problem').textContent = event.message || 'the worker does not start: does this browser have WebAssembly SIMD?';
});

// ---- showing ----

// A row made from the template of that id; parts are found by their class.
function makeRow(template) {
    const row = find(template).content.firstElementChild.cloneNode(true);
    return [row, name => row.querySelector(`.${name}`)];
}

function percent(share) {
    return share === null ? '–' : `${(100 * share).toFixed(0)}%`;
}

// Rows are kept while the names are the same, so that a button does not go away under the pointer.
function showClasses() {
    const table = find('classes');
    while (table.rows.length > state.classes.length || [...table.rows].some((row, i) => row.dataset.name !== state.classes[i].name))
        table.deleteRow(-1);
    for (const {name} of state.classes.slice(table.rows.length)) {
        const [row, part] = makeRow('class-row');
        row.dataset.name = name;
        part('teach').textContent = name;
        part('teach').addEventListener('click', () => teach(name));
        table.append(row);
    }
    state.classes.forEach(({drawings}, i) => {
        table.rows[i].querySelector('.drawings').textContent = drawings;
    });
}

function showAnswer() {
    for (const [i, row] of [...find('classes').rows].entries()) {
        row.querySelector('.last').value = answer?.last[i] ?? 0;
        row.querySelector('.sum').value = answer?.sum[i] ?? 0;
    }
    const best = values => state.classes[values.indexOf(Math.max(...values))]?.name ?? '';
    find('guess-last').textContent = answer ? best(answer.last) : '';
    find('guess-sum').textContent = answer ? best(answer.sum) : '';
}

function showLayers() {
    const ids = state.layers.map(layer => layer.id).join();
    const table = find('layers');
    if (table.dataset.ids !== ids) {
        table.dataset.ids = ids;
        table.replaceChildren(...state.layers.map(makeLayerRow));
    }
    state.layers.forEach(({loss, accuracy}, i) => {
        table.rows[i].querySelector('.loss').textContent = loss === null ? '–' : loss.toFixed(3);
        table.rows[i].querySelector('.accuracy').textContent = percent(accuracy);
    });
    find('last').textContent = percent(state.layers.at(-1).accuracy);
    find('sum').textContent = percent(state.sum);
    find('steps').textContent = state.steps;
}

function makeLayerRow({id, outputs}, position) {
    const [row, part] = makeRow('layer-row');
    part('number').textContent = `layer ${position + 1}`;
    part('number').style.borderColor = colour(id);
    part('outputs').textContent = outputs;
    part('plug').addEventListener('click', () => call('addLayer', position + 1));
    part('pull').addEventListener('click', () => call('removeLayer', position));
    part('pull').disabled = position === 0; // the next one would not fit the inputs
    return row;
}

// ---- buttons ----

find('clear').addEventListener('click', () => pad.clear());
find('starter').addEventListener('click', () => call('addStarterDigits'));
find('learning').addEventListener('change', event => call('learn', event.target.checked));
find('save').addEventListener('click', () => call('save'));
find('load').addEventListener('change', async event => {
    const [file] = event.target.files;
    event.target.value = '';
    call('load', new Uint8Array(await file.arrayBuffer()));
});
find('add-class').addEventListener('submit', event => {
    event.preventDefault();
    const name = find('class-name').value.trim();
    if (name !== '')
        call('addClass', name);
    find('class-name').value = '';
});
