// Digits that the program draws itself, for who wants to see the page at work before drawing. Each is strokes in a
// square of side 1 and every one differs: its points wander, and it is slanted and stretched.
// SPDX-License-Identifier: MIT

// Part of an ellipse; angles in turns, clockwise from the right.
function arc(x, y, rx, ry, from, to) {
    return Array.from({length: 13}, (_, i) => {
        const angle = 2 * Math.PI * (from + (to - from) * i / 12);
        return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
    });
}

// Ways to draw each digit.
const SHAPES = [
    [[arc(0.5, 0.5, 0.33, 0.48, -0.25, 0.75)]],
    [[[[0.5, 0], [0.5, 1]]], [[[0.25, 0.25], [0.5, 0], [0.5, 1]]], [[[0.3, 0.2], [0.5, 0], [0.5, 1]], [[0.25, 1], [0.75, 1]]]],
    [[[...arc(0.5, 0.28, 0.32, 0.28, -0.5, 0.08), [0.15, 1], [0.85, 1]]],
        [[...arc(0.5, 0.28, 0.32, 0.28, -0.45, 0.1), [0.2, 0.9], ...arc(0.26, 0.88, 0.1, 0.1, 0.5, 1), [0.85, 0.98]]]],
    [[arc(0.45, 0.26, 0.33, 0.26, -0.42, 0.25), arc(0.45, 0.74, 0.37, 0.26, -0.25, 0.42)]],
    [[[[0.65, 1], [0.65, 0], [0.1, 0.68], [0.9, 0.68]]], [[[0.2, 0], [0.15, 0.5], [0.8, 0.5]], [[0.75, 0], [0.72, 1]]]],
    [[[[0.82, 0], [0.25, 0], [0.2, 0.42], ...arc(0.46, 0.68, 0.35, 0.32, -0.32, 0.4)]]],
    [[[[0.7, 0], [0.4, 0.25], [0.18, 0.7], ...arc(0.47, 0.72, 0.3, 0.27, 0.5, 1.5)]]],
    [[[[0.12, 0], [0.88, 0], [0.4, 1]]], [[[0.12, 0], [0.88, 0], [0.4, 1]], [[0.35, 0.5], [0.85, 0.5]]]],
    [[arc(0.5, 0.25, 0.26, 0.25, 0.25, 1.25), arc(0.5, 0.74, 0.33, 0.25, -0.25, 0.75)]],
    [[[...arc(0.48, 0.28, 0.3, 0.27, 0, -1), [0.76, 0.5], [0.68, 1]]],
        [[...arc(0.48, 0.28, 0.3, 0.27, 0, -1), ...arc(0.46, 0.72, 0.3, 0.28, -0.05, 0.4)]]],
];

// One drawing of a digit.
export function drawDigit(digit, random) {
    const ways = SHAPES[digit], way = ways[Math.floor(random() * ways.length)];
    const around = width => (2 * random() - 1) * width;
    const slant = 0.1 + around(0.25), wide = 0.85 + around(0.25), bend = around(0.06), phase = 6 * random();
    return way.map(points => {
        const right = around(0.04), down = around(0.04);
        return points.map(([x, y]) => [
            wide * x - slant * y + bend * Math.sin(5 * y + phase) + right + around(0.015),
            y + bend * Math.sin(5 * x + phase) + down + around(0.015),
        ]);
    });
}
