# What the tables say of claims: figures of groups of runs, and the rules of verdicts. Read behind statistics.awk.
# SPDX-License-Identifier: MIT
FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    sub(/\.csv$/, "", file)
    for (i = 1; i <= NF; i++)
        at[$i] = i
    next
}
# The last layer's line of a pass comes last, but for that of the sum.
file == "depth-curves" {
    if ($at["layer"] != "sum")
        reached[$1, $at["pass"]] = $at["valid_accuracy"]
    rate_of[$1, $at["pass"]] = $at["rate"]
    passes_of[$1] = $at["pass"]
    next
}
$at["choice"] == 1 { next }
{
    key = file "/" $at["group"]
    if ($at["measure"] == "memory") {
        peak[file "/" $1] = $at["peak_bytes"] / 1e6
        next
    }
    if ($at["measure"] == "answers") {
        answer_last = 1000 * $at["answer_last_seconds"]
        answer_sum = 1000 * $at["answer_sum_seconds"]
        next
    }
    # Where several rates were run to the end, the run that is best on the validation rows says which group counts.
    base = key
    sub(/-(low|lr[0-9].*)$/, "", base)
    tried[base] += $1 ~ /-s1$/
    if ($at["status"] != "done") {
        diverged[key]++
        next
    }
    if ($1 ~ /-s1$/ && leads(base, $at["valid_last"], $at["valid_loss"]))
        settled[base] = key
    note(key, "last", $at["test_last"])
    note(key, "sum", $at["test_sum"])
    note(key, "sum-last", $at["test_sum"] - $at["test_last"])
    note(key, "rate", $at["rows_per_second"])
    note(key, "seconds", $at["seconds"])
    note(key, "chosen", $at["learning_rate"])
    layers = split($at["test_layers"], accuracy, ";")
    note(key, "first", accuracy[1])
    note(key, "last-first", $at["test_last"] - accuracy[1])
    split($at["train_losses"], loss, ";")
    for (i = 1; i <= layers; i++)
        if (loss[i] > worst[key])
            worst[key] = loss[i]
}
function figure(key, what) {
    return (!n[key, what] && diverged[key]) ? "diverged" : \
        with_deviation(key, what, " (one seed)") (diverged[key] ? " (" diverged[key] " more diverged)" : "")
}
# have("a b c"): are there runs of all these groups?
function have(list,    keys, count, i) {
    count = split(list, keys, " ")
    for (i = 1; i <= count; i++)
        if (!n[keys[i], "last"] && !diverged[keys[i]])
            return 0
    return 1
}
# A verdict that rests on means, unless a group has none: all its runs diverged.
function sound(list, verdict,    keys, count, i) {
    count = split(list, keys, " ")
    for (i = 1; i <= count; i++)
        if (!n[keys[i], "last"])
            return "-: " keys[i] " diverged"
    return verdict
}
# As good as the other, within so many points (0: better), and whether the seeds can tell them apart.
function as_good(a, what, b, other, within) {
    if (diverged[a])
        return "does not hold: " diverged[a] " of " diverged[a] + n[a, what] " diverged"
    if (!n[b, other])
        return diverged[b] ? "BP diverged" : "-"
    if (!n[a, what])
        return "-"
    return judge(mean(a, what) - mean(b, other), within) \
        (n[a, what] == 1 || n[b, other] == 1 ? " (one seed)" : apart(a, what, b, other) ? "" : " (within the noise)") \
        (diverged[b] ? ", and " diverged[b] " of " diverged[b] + n[b, other] " of BP diverged" : "")
}
function judge(difference, within) {
    return (difference >= 0) ? "holds" : (difference >= -within) ? "holds partly" : "does not hold"
}
# The same of two answers of the same networks: differences of pairs.
function better(key, difference) {
    if (!n[key, difference])
        return "-"
    return judge(mean(key, difference), 0) \
        (n[key, difference] == 1 ? " (one seed)" : apart_from_0(key, difference) ? "" : " (within the noise)")
}
function pair(a, b, what) {
    return figure(a, what) " / " figure(b, what)
}
function share(a, b) {
    return peak[b] ? sprintf("%.0f%%", 100 * peak[a] / peak[b]) : "-"
}
function slope(name,    low, high) {
    low = peak["memory/sgd-" name "-5"]
    high = peak["memory/sgd-" name "-20"]
    return (high - low) / 15
}
# measured("a b c"): is the memory of all these runs there?
function measured(list,    runs, count, i) {
    count = split(list, runs, " ")
    for (i = 1; i <= count; i++)
        if (!peak[runs[i]])
            return 0
    return 1
}
# sanity's memories of both methods with both optimizers.
function memories(before, behind) {
    before = "sanity/memory-" before
    return before "mf-sgd" behind " " before "bp-sgd" behind " " before "mf-adam" behind " " before "bp-adam" behind
}
# MF's share of another's memory at all depths, or nothing where one of them was not measured.
function shares(other,    list, depths, count, i, mf, bp) {
    count = split("2 5 10 15 20", depths, " ")
    for (i = 1; i <= count; i++) {
        mf = "memory/sgd-mf-" depths[i]
        bp = "memory/sgd-" other "-" depths[i]
        if (!measured(mf " " bp))
            return ""
        list = list (i > 1 ? ", " : "") share(mf, bp)
    }
    return list
}
# The groups that count at 2, 8 and 15 layers. The latter two have a run for each of three rates.
function at_depths(method) {
    return "depth/" method "-2 " settled["depth/" method "-8"] " " settled["depth/" method "-15"]
}
function settled_depths(method) {
    return have("depth/" method "-2") && tried["depth/" method "-8"] == 3 && tried["depth/" method "-15"] == 3
}
function over(list, format, what,    text, keys, count, i) {
    count = split(list, keys, " ")
    for (i = 1; i <= count; i++)
        text = text (i > 1 ? ", " : "") sprintf(format, mean(keys[i], what))
    return text
}
function timed(method) {
    return "depth/one-pass-" method "-2 depth/one-pass-" method "-8 depth/one-pass-" method "-15"
}
# Passes until the last layer is within a point of the best it reaches on the validation rows, and whether that is when
# the rate had just been cut: then patience decides, and not the network.
function note_passes(    run, group, best, i) {
    for (run in passes_of) {
        group = run
        if (!sub(/-s[0-9]+$/, "", group))
            continue
        best = 0
        for (i = 1; i <= passes_of[run]; i++)
            best = max(best, reached[run, i])
        for (i = 1; reached[run, i] < best - 1; i++)
            continue
        note("depth/" group, "near", i)
        note("depth/" group, "at-cut", i > 1 && rate_of[run, i] < rate_of[run, 1] && rate_of[run, i > 2 ? i - 2 : 1] == rate_of[run, 1])
    }
}
# How much less or more, in percent.
function change(a, b) {
    return peak[b] ? 100 * (peak[a] / peak[b] - 1) : 0
}
function sum_and_last(key) {
    return "SUM " figure(key, "sum") ", LAST " figure(key, "last")
}
# Is a frozen projection worse, by more than a point?
function needed(learned, frozen,    loss) {
    loss = mean(learned, "last") - mean(frozen, "last")
    if (n[learned, "last"] > 1 && n[frozen, "last"] > 1 && !apart(learned, "last", frozen, "last"))
        return (loss > 1) ? "holds (within the noise)" : "does not hold (within the noise)"
    return (loss > 1) ? "holds" : (loss > 0) ? "holds partly: it helps" : "does not hold"
}
# Flat: less than half as many again. Growing: more than that.
function depth_verdict(    mf, bp, flat, grows, at_cut, i) {
    split(at_depths("mf"), mf, " ")
    split(at_depths("bp"), bp, " ")
    for (i = 1; i <= 3; i++)
        at_cut += mean(mf[i], "at-cut") + mean(bp[i], "at-cut")
    if (at_cut > 3)
        return "cannot be told: in " at_cut " of 6 the rate had just been cut, which patience decides (one seed)"
    flat = mean(mf[3], "near") < 1.5 * mean(mf[1], "near")
    grows = mean(bp[3], "near") > 1.5 * mean(bp[1], "near")
    return ((flat && grows) ? "holds" : flat ? "holds partly: MF is flat, but so is BP" : grows ? "does not hold: MF grows too" : "does not hold") " (one seed)"
}
# Does each of the first take less time than that of the second?
function quicker(first, second,    a, b, count, i, less) {
    count = split(first, a, " ")
    split(second, b, " ")
    for (i = 1; i <= count; i++)
        less += mean(a[i], "seconds") < mean(b[i], "seconds")
    return (less == count) ? "holds" : less ? "holds partly" : "does not hold"
}
# bp_most: BP with as many passes as MF's many.
function only_with_more(few, bp_few, many, bp_many, bp_most) {
    if (mean(few, "last") >= mean(bp_few, "last") || mean(many, "last") <= mean(bp_many, "last"))
        return "does not hold"
    return (mean(many, "last") > mean(bp_most, "last")) ? "holds partly: with many passes each, it is ahead, too" : "holds"
}
