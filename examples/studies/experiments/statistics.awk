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
# How large Student's t may become by chance, at 95% and both ways; from 10 degrees of freedom on that of 10.
function t_limit(freedom,    limits) {
    split("12.71 4.30 3.18 2.78 2.57 2.45 2.36 2.31 2.26 2.23", limits, " ")
    return limits[freedom >= 10 ? 10 : int(max(freedom, 1))] + 0
}
# Do the seeds tell two means apart? By Welch's test, which lets deviations and numbers of seeds differ.
function apart(a, what, b, other,    va, vb, error) {
    va = deviation(a, what) ^ 2 / n[a, what]
    vb = deviation(b, other) ^ 2 / n[b, other]
    error = va + vb
    if (error == 0)
        return mean(a, what) != mean(b, other)
    return (mean(a, what) - mean(b, other)) ^ 2 >= \
        error * t_limit(error ^ 2 / (va ^ 2 / (n[a, what] - 1) + vb ^ 2 / (n[b, other] - 1))) ^ 2
}
# Do they tell a mean from 0?
function apart_from_0(key, what) {
    return mean(key, what) ^ 2 * n[key, what] >= (deviation(key, what) * t_limit(n[key, what] - 1)) ^ 2
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
