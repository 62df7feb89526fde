// Shows the benchmark in Chromium and prints what it measured: node run.mjs FOLDER ROWS ROUNDS.
// SPDX-License-Identifier: MIT
import {Chromium, serve} from '../../ffi/browser/chromium.mjs';

const [folder, rows, rounds] = process.argv.slice(2);
const browser = await Chromium.start();
try {
    await browser.open(`${await serve(folder)}?rows=${rows}&rounds=${rounds}`);
    await browser.until('globalThis.result !== undefined');
    const {error, times, ...result} = await browser.evaluate('result');
    if (error)
        throw new Error(error);
    for (const [backend, time] of Object.entries(times))
        console.log(`tfjs ${backend}: ${typeof time === 'number' ? `${time.toFixed(1)} ms a step at first` : time}`);
    console.log(`result bench=tfjs tfjs=${result.tfjs} backend=${result.backend} rows=${result.rows} ` +
        `ms=${result.ours.toFixed(2)} tfjs_ms=${result.theirs.toFixed(2)} accuracy=${result.accuracy[0].toFixed(3)} ` +
        `tfjs_accuracy=${result.accuracy[1].toFixed(3)} ratio_of_least=${result.ratioOfLeast.toFixed(2)} ` +
        `ratio=${result.ratio.toFixed(2)}`);
} finally {
    await browser.stop();
}
