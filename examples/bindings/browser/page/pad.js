// A canvas to draw on, by mouse, finger or pen. SPDX-License-Identifier: MIT

export class Pad {
    #strokes = [];
    #canvas;
    #changed;

    // `changed` is called after each movement.
    constructor(canvas, changed) {
        this.#canvas = canvas;
        this.#changed = changed;
        canvas.addEventListener('pointerdown', event => {
            canvas.setPointerCapture(event.pointerId);
            this.#strokes.push([this.#place(event)]);
            this.#draw();
        });
        canvas.addEventListener('pointermove', event => {
            if (event.buttons === 0 || this.empty)
                return;
            this.#strokes.at(-1).push(this.#place(event));
            this.#draw();
        });
    }

    get empty() {
        return this.#strokes.length === 0;
    }

    get strokes() {
        return this.#strokes;
    }

    clear() {
        this.#strokes = [];
        this.#draw();
    }

    #place(event) {
        const {left, top, width} = this.#canvas.getBoundingClientRect(), scale = this.#canvas.width / width;
        return [(event.clientX - left) * scale, (event.clientY - top) * scale];
    }

    #draw() {
        const pen = this.#canvas.getContext('2d');
        pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
        pen.lineWidth = this.#canvas.width / 16;
        pen.lineCap = pen.lineJoin = 'round';
        for (const [[x, y], ...points] of this.#strokes) {
            pen.beginPath();
            pen.moveTo(x, y);
            pen.lineTo(x, y);
            points.forEach(([px, py]) => pen.lineTo(px, py));
            pen.stroke();
        }
        this.#changed();
    }
}
