// Serves a folder and shows it in a headless Chromium, which is spoken to through a pipe, in the DevTools protocol.
// SPDX-License-Identifier: MIT
import {spawn} from 'node:child_process';
import {createServer} from 'node:http';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';

const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm'};
const PATIENCE = 120000; // milliseconds: the machine may be busy

// The address of a server of the files in a folder.
export async function serve(folder) {
    const server = createServer(async (request, response) => {
        const file = path.join(folder, path.normalize(new URL(request.url, 'http://x').pathname));
        try {
            const bytes = await readFile(file.endsWith('/') ? `${file}index.html` : file);
            response.writeHead(200, {'Content-Type': TYPES[path.extname(file)] ?? 'text/html'}).end(bytes);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise(done => server.listen(0, '127.0.0.1', done));
    server.unref();
    return `http://127.0.0.1:${server.address().port}/`;
}

export class Chromium {
    #child;
    #profile;
    #session;
    #answers = new Map();
    #sent = 0;
    failures = []; // exceptions and failed requests of the page

    // With a window and one page.
    static async start(downloads) {
        const browser = new Chromium();
        browser.#profile = await mkdtemp(path.join(tmpdir(), 'chromium-'));
        browser.#child = spawn('chromium', ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--no-first-run',
            '--disable-background-networking', '--window-size=1280,900', `--user-data-dir=${browser.#profile}`],
            {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
        browser.#listen(browser.#child.stdio[4]);
        const {targetId} = await browser.send('Target.createTarget', {url: 'about:blank'});
        browser.#session = (await browser.send('Target.attachToTarget', {targetId, flatten: true})).sessionId;
        for (const domain of ['Page', 'Runtime', 'DOM', 'Log'])
            await browser.send(`${domain}.enable`);
        if (downloads)
            await browser.send('Page.setDownloadBehavior', {behavior: 'allow', downloadPath: downloads});
        return browser;
    }

    async stop() {
        this.#child.kill();
        await new Promise(done => this.#child.once('exit', done));
        await rm(this.#profile, {recursive: true, force: true, maxRetries: 10});
    }

    #listen(pipe) {
        let text = '';
        pipe.setEncoding('utf8').on('data', chunk => {
            const messages = (text + chunk).split('\0');
            text = messages.pop();
            messages.forEach(message => this.#hear(JSON.parse(message)));
        });
        this.#child.once('exit', code => {
            for (const {reject} of this.#answers.values())
                reject(new Error(`chromium has ended with ${code}`));
        });
    }

    #hear({id, result, error, method, params}) {
        if (id !== undefined) {
            const {resolve, reject} = this.#answers.get(id);
            this.#answers.delete(id);
            error ? reject(new Error(error.message)) : resolve(result);
        } else if (method === 'Runtime.exceptionThrown') {
            this.failures.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
            this.failures.push(`${params.entry.text} ${params.entry.url ?? ''}`);
        }
    }

    send(method, params = {}) {
        const id = ++this.#sent;
        this.#child.stdio[3].write(`${JSON.stringify({id, method, params, sessionId: this.#session})}\0`);
        return new Promise((resolve, reject) => this.#answers.set(id, {resolve, reject}));
    }

    async open(url) {
        await this.send('Page.navigate', {url});
    }

    // The value of an expression in the page; it may be a promise.
    async evaluate(expression) {
        const {result, exceptionDetails} = await this.send('Runtime.evaluate',
            {expression, awaitPromise: true, returnByValue: true});
        if (exceptionDetails)
            throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
        return result.value;
    }

    // Until an expression is true.
    async until(expression) {
        for (const end = Date.now() + PATIENCE; Date.now() < end;) {
            if (await this.evaluate(expression).catch(() => false))
                return;
            await new Promise(done => setTimeout(done, 50));
        }
        throw new Error(`waited in vain for ${expression}; the page: ${this.failures.join('; ') || 'no failures'}`);
    }

    // One stroke of the mouse through points of the window.
    async stroke(points) {
        const mouse = (type, [x, y]) => this.send('Input.dispatchMouseEvent',
            {type, x, y, button: 'left', buttons: type === 'mouseReleased' ? 0 : 1, clickCount: 1});
        await mouse('mousePressed', points[0]);
        for (const point of points.slice(1))
            await mouse('mouseMoved', point);
        await mouse('mouseReleased', points.at(-1));
    }

    async click(selector) {
        await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
    }

    // Gives a file to an input.
    async choose(selector, file) {
        const {root} = await this.send('DOM.getDocument');
        const {nodeId} = await this.send('DOM.querySelector', {nodeId: root.nodeId, selector});
        await this.send('DOM.setFileInputFiles', {nodeId, files: [file]});
    }

    // A PNG.
    async screenshot() {
        const {cssContentSize} = await this.send('Page.getLayoutMetrics');
        const clip = {...cssContentSize, scale: 1};
        return Buffer.from((await this.send('Page.captureScreenshot', {clip, captureBeyondViewport: true})).data, 'base64');
    }
}
