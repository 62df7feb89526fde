// The learner in a thread of its own, so that the page stays live. Each message is {call, args}: a method of the
// learner, answered by {call, result} or {call, error}. In between it learns, a slice of time after the other, and
// tells the page how it is. SPDX-License-Identifier: MIT
import {Learner} from './learner.js';

const SLICE = 20, TELL_EVERY = 150; // milliseconds
const learner = new Learner();
let learning = true, toldAt = 0;

const CALLS = {
    learn(on) {
        learning = on;
    },
};
for (const name of ['addExample', 'addStarterDigits', 'addClass', 'addLayer', 'removeLayer', 'predict', 'save', 'load'])
    CALLS[name] = (...args) => learner[name](...args);

addEventListener('message', ({data: {call, args}}) => {
    try {
        postMessage({call, result: CALLS[call](...args)});
        if (call !== 'predict')
            tell();
    } catch (error) {
        postMessage({call, error: error.message});
    }
});

function tell() {
    toldAt = performance.now();
    postMessage({call: 'tell', result: learner.describe()});
}

function slice() {
    const busy = learning && learner.ready;
    const end = performance.now() + SLICE;
    while (busy && performance.now() < end)
        learner.step();
    if (busy && performance.now() - toldAt > TELL_EVERY)
        tell();
    setTimeout(slice, busy ? 0 : SLICE);
}

tell();
slice();
