// The losses of the layers over the steps, as curves on a canvas. SPDX-License-Identifier: MIT

const HIGHEST = 3, LOWEST = 0.003; // nats, on a logarithmic scale
const MOST_POINTS = 1000;

// The colour that stands for a layer wherever it is shown.
export function colour(id) {
    return `hsl(${(id * 137 + 80) % 360} 65% 45%)`;
}

export class Chart {
    #canvas;
    #curves = new Map(); // of each layer, by id: points [step, loss]. Those of layers that are gone stay.
    #latest = 1;

    constructor(canvas) {
        this.#canvas = canvas;
    }

    add(step, layers) {
        this.#latest = Math.max(this.#latest, step);
        for (const {id, loss} of layers) {
            if (loss === null)
                continue;
            const points = this.#curves.get(id) ?? [];
            this.#curves.set(id, points.length < MOST_POINTS ? points : points.filter((_, i) => i % 2 === 0));
            this.#curves.get(id).push([step, loss]);
        }
        this.#draw();
    }

    #draw() {
        const {width, height} = this.#canvas, pen = this.#canvas.getContext('2d');
        const at = loss => height * Math.log(HIGHEST / Math.max(loss, LOWEST)) / Math.log(HIGHEST / LOWEST);
        pen.clearRect(0, 0, width, height);
        pen.font = '12px sans-serif';
        pen.fillStyle = '#888';
        pen.strokeStyle = '#ddd';
        for (const loss of [1, 0.1, 0.01]) {
            pen.fillText(`${loss}`, 2, at(loss) - 3);
            pen.strokeRect(-1, at(loss), width + 2, 0);
        }
        pen.lineWidth = 2;
        for (const [id, points] of this.#curves) {
            pen.strokeStyle = colour(id);
            pen.beginPath();
            points.forEach(([step, loss]) => pen.lineTo(width * step / this.#latest, at(loss)));
            pen.stroke();
        }
    }
}
