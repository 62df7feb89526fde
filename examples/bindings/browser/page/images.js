// Images as the network sees them: 28 x 28 values from 0 to 1, row after row. SPDX-License-Identifier: MIT

export const SIZE = 28;
const BOX = 20; // pixels that a drawing fills, along its longer side
const PEN = 1.1; // pixels from the middle of a stroke to its edge

// The distance of a point to the line from a to b.
function distance(x, y, [ax, ay], [bx, by]) {
    const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
    return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

// The image of strokes, which are lists of points [x, y] of any scale: as large as the box, its ink in the middle. So
// it does not matter where on the pad something is drawn, and how large.
export function render(strokes) {
    const lines = strokes.flatMap(points => points.map((point, i) => [points[Math.max(0, i - 1)], point]));
    const points = strokes.flat(), xs = points.map(p => p[0]), ys = points.map(p => p[1]);
    const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
    const scale = size > 0 ? BOX / size : 1;
    const [mx, my] = middle(lines);
    const move = ([x, y]) => [(x - mx) * scale + SIZE / 2, (y - my) * scale + SIZE / 2];
    const moved = lines.map(([a, b]) => [move(a), move(b)]);
    return Float32Array.from({length: SIZE * SIZE}, (_, i) => {
        const x = i % SIZE + 0.5, y = Math.floor(i / SIZE) + 0.5;
        const nearest = moved.reduce((least, [a, b]) => Math.min(least, distance(x, y, a, b)), SIZE);
        return Math.min(1, Math.max(0, PEN + 0.5 - nearest));
    });
}

// The middle of the ink.
function middle(lines) {
    let sum = 0, sumX = 0, sumY = 0;
    for (const [[ax, ay], [bx, by]] of lines) {
        const ink = Math.hypot(bx - ax, by - ay) + 1e-6; // a point is a little ink
        sum += ink;
        sumX += ink * (ax + bx) / 2;
        sumY += ink * (ay + by) / 2;
    }
    return [sumX / sum, sumY / sum];
}

// Writes the image as another hand might have drawn it: turned, sheared, stretched and moved a little. Few drawings
// are then enough.
export function vary(image, out, random) {
    const around = width => (2 * random() - 1) * width;
    const angle = around(0.2), shear = around(0.15), wide = 1 + around(0.12), high = 1 + around(0.12);
    const a = Math.cos(angle) * wide, b = Math.sin(angle) + shear, c = -Math.sin(angle), d = Math.cos(angle) * high;
    const center = (SIZE - 1) / 2, right = center + around(2), down = center + around(2);
    for (let i = 0; i < SIZE; i++) {
        for (let j = 0; j < SIZE; j++) {
            const x = a * (j - center) + b * (i - center) + right, y = c * (j - center) + d * (i - center) + down;
            out[i * SIZE + j] = between(image, x, y);
        }
    }
}

// The value at a place between pixels; outside there is no ink.
function between(image, x, y) {
    const left = Math.floor(x), top = Math.floor(y), u = x - left, v = y - top;
    if (left < 0 || top < 0 || left >= SIZE - 1 || top >= SIZE - 1)
        return 0;
    const at = top * SIZE + left;
    return (1 - v) * ((1 - u) * image[at] + u * image[at + 1]) +
        v * ((1 - u) * image[at + SIZE] + u * image[at + SIZE + 1]);
}

// Numbers from 0 to below 1, the same for the same seed: Marsaglia's xorshift.
export function randomNumbers(seed) {
    let state = seed;
    return () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 8) / 2 ** 24;
    };
}
