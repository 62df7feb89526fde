// The learner in a thread of its own, so that the page stays live. Each message is {call, args}: a method of the
// learner, answered by {call, result} or {call, error}. In between it learns, a slice of time after the other, and
// tells the page how it is. SPDX-License-Identifier: MIT
import {Learner} from './learner.js';

const SLICE = 20, TELL_EVERY = 150, RECOVER = 1000; // milliseconds
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

// What makes a step fail may go again, with another class or layer; until then the page hears of it now and then.
function slice() {
    const busy = learning && learner.ready;
    const end = performance.now() + SLICE;
    let pause = busy ? 0 : SLICE;
    try {
        while (busy && performance.now() < end)
            learner.step();
        if (busy && performance.now() - toldAt > TELL_EVERY)
            tell();
    } catch (error) {
        postMessage({call: 'step', error: error.message});
        pause = RECOVER;
    }
    setTimeout(slice, pause);
}

tell();
slice();
