# Means and deviations of figures, each noted under a key and a name, and the rule of choices: for the other awk programs.
# SPDX-License-Identifier: MIT
function note(key, what, value) {
    n[key, what]++
    total[key, what] += value
    squares[key, what] += value * value
}
function mean(key, what) {
    return n[key, what] ? total[key, what] / n[key, what] : 0
}
function deviation(key, what,    count, variance) {
    count = n[key, what]
    variance = (count > 1) ? (squares[key, what] - total[key, what] ^ 2 / count) / (count - 1) : 0
    return (variance > 0) ? sqrt(variance) : 0
}
# "98.66 ± 0.07", or the only value there is with `alone` behind it, or "-".
function with_deviation(key, what, alone) {
    if (!n[key, what])
        return "-"
    return (n[key, what] > 1) ? sprintf("%.2f ± %.2f", mean(key, what), deviation(key, what)) : sprintf("%.2f", mean(key, what)) alone
}
function max(a, b) {
    return (a > b) ? a : b
}
# Of choices the best by validation accuracy counts, then by loss: does this one lead its group from now on?
function leads(group, accuracy, loss) {
    if (group in most && (accuracy < most[group] || (accuracy == most[group] && loss >= least[group])))
        return 0
    most[group] = accuracy
    least[group] = loss
    return 1
}
