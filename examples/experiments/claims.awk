# The claims, the figures of others, and what our tables say of them. Every verdict is computed here, by the rule
# that stands beside it; a claim whose runs are not there yet says so. Read behind statistics.awk.
# SPDX-License-Identifier: MIT
FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    sub(/\.csv$/, "", file)
    for (i = 1; i <= NF; i++)
        at[$i] = i
    next
}
$at["choice"] == 1 { next }
{
    key = file "/" $at["group"]
    if ($at["measure"] == "memory") {
        depth = split($at["network"], widths, "-")
        peak[file "/" $1] = $at["peak_bytes"] / 1e6
        step[file "/" $1] = $at["step_seconds"]
        next
    }
    if ($at["measure"] == "answers") {
        answer_last = 1000 * $at["answer_last_seconds"]
        answer_sum = 1000 * $at["answer_sum_seconds"]
        next
    }
    if ($at["status"] != "done") {
        diverged[key]++
        next
    }
    note(key, "last", $at["test_last"])
    note(key, "sum", $at["test_sum"])
    note(key, "passes", $at["passes"])
    note(key, "kept", $at["best_pass"])
    note(key, "rate", $at["rows_per_second"])
    note(key, "seconds", $at["seconds"])
    layers = split($at["test_layers"], accuracy, ";")
    note(key, "first", accuracy[1])
    split($at["train_losses"], loss, ";")
    for (i = 1; i <= layers; i++)
        if (loss[i] > worst[key])
            worst[key] = loss[i]
}
function figure(key, what) {
    return (!n[key, what] && diverged[key]) ? "diverged" : with_deviation(key, what, " (one seed)")
}
# have("a b c"): are there runs of all these groups?
function have(list,    keys, count, i) {
    count = split(list, keys, " ")
    for (i = 1; i <= count; i++)
        if (!n[keys[i], "last"] && !diverged[keys[i]])
            return 0
    return 1
}
function row(claim, paper, rerun, there, ours, name, verdict) {
    if (!there) {
        ours = "not run yet"
        verdict = "-"
    }
    printf "| %s | %s | %s | %s | `%s` | %s |\n", claim, paper, rerun, ours, name, verdict
}
# As good as the other, within so many points; and whether the seeds can tell them apart: two standard errors.
function as_good(a, what, b, other, within,    ours, theirs, error) {
    ours = mean(a, what)
    theirs = mean(b, other)
    if (!n[a, what])
        return diverged[a] ? "does not hold" : "-"
    error = sqrt(deviation(a, what) ^ 2 / n[a, what] + deviation(b, other) ^ 2 / max(n[b, other], 1))
    return ((ours >= theirs) ? "holds" : (ours >= theirs - within) ? "holds partly" : "does not hold") \
        ((n[a, what] > 1 && (ours - theirs) ^ 2 < 4 * error ^ 2) ? " (within the noise)" : "")
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
function shares(other,    list, depths, count, i) {
    count = split("2 5 10 15 20", depths, " ")
    for (i = 1; i <= count; i++)
        list = list (i > 1 ? ", " : "") share("memory/sgd-mf-" depths[i], "memory/sgd-" other "-" depths[i])
    return list
}
# Rows for a data set of tabular, text or the convolutions.
function versus(name, data, title, paper, rerun, mf, others,    bp, linear) {
    bp = name "/" data "-bp"
    linear = name "/" data "-linear"
    row(title, paper, rerun, have(mf " " bp), pair(bp, mf, "last") (others ? " / " figure(linear, "last") : ""), name,
        as_good(mf, "last", bp, "last", 0.5))
}
END {
    print "# The paper's claims, measured\n"
    print "Mono-Forward (arXiv 2501.09238) and its independent re-runs, beside what `sh examples/experiments/run.sh NAME` finds. This"
    print "page is made from the tables in [experiments](experiments) by that command. Accuracies are test percent, mean ± deviation"
    print "over seeds; pairs are BP / MF. BP is the same network with a linear classifier on top, with the same products,"
    print "optimizer, data, order and passes; rates, scales of weights and the number of passes were chosen on validation rows"
    print "alone. [experiments.md](../experiments.md) tells how, and what was cut. The paper's figures are known second-hand, and were"
    print "tuned on the test set.\n"
    print "\"Holds\": as good or better; \"holds partly\": by less than 0.2 points worse (0.5 in tables, texts and convolutions), or"
    print "as the row says; \"within the noise\": the difference is below two standard errors of the seeds.\n"
    print "| Claim | Paper | Re-runs | Ours | run.sh | Verdict |"
    print "|---|---|---|---|---|---|"
    mf = "sanity/mf"
    bp = "sanity/bp"
    row("MNIST, 2 x 1000, 20 passes: as accurate as BP", "98.69 / 98.74", "equal passes: -0.2", have(mf " " bp),
        pair(bp, mf, "last"), "sanity", as_good(mf, "last", bp, "last", 0.2))
    row("The sum of all layers answers better than the last", "\"higher accuracy\"", "-", have(mf),
        "SUM " figure(mf, "sum") ", LAST " figure(mf, "last"), "sanity", as_good(mf, "sum", mf, "last", 0))
    row("MNIST, 2 x 1000: less than half of BP's memory", "< 50%", "-25% to -28% (CIFAR)", peak["sanity/memory-bp-adam-30000"] > 0,
        sprintf("SGD %s, Adam %s at batch 128; SGD %s, Adam %s at 30,000", share("sanity/memory-mf-sgd-128", "sanity/memory-bp-sgd-128"),
            share("sanity/memory-mf-adam-128", "sanity/memory-bp-adam-128"), share("sanity/memory-mf-sgd-30000", "sanity/memory-bp-sgd-30000"),
            share("sanity/memory-mf-adam-30000", "sanity/memory-bp-adam-30000")), "sanity",
        (peak["sanity/memory-mf-sgd-128"] < 0.5 * peak["sanity/memory-bp-sgd-128"]) ? "holds" : \
            (peak["sanity/memory-mf-sgd-30000"] < 0.5 * peak["sanity/memory-bp-sgd-30000"]) ? "holds partly" : "does not hold")
    row("One answer: LAST as quick as BP, SUM 5.7 times as long", "0.3 ms, 1.7 ms", "-", answer_last > 0,
        sprintf("%.3f ms, %.3f ms", answer_last, answer_sum), "sanity",
        (answer_sum < 2 * answer_last) ? "better: SUM is cheap" : "holds")
    row("The projection must learn", "\"critical\"", "-", have("projection/learned-kaiming projection/frozen-kaiming"),
        "learned " figure("projection/learned-kaiming", "last") ", frozen random " figure("projection/frozen-kaiming", "last") \
        ", frozen orthogonal " figure("projection/frozen-orthogonal", "last"), "projection",
        (mean("projection/frozen-kaiming", "last") < mean("projection/learned-kaiming", "last") - 1) ? "holds" : \
        (mean("projection/frozen-kaiming", "last") < mean("projection/learned-kaiming", "last") - 0.1) ? "holds partly: it helps" : \
        "does not hold")
    row("A loss stuck at ln m betrays a dead projection", "ln 10 = 2.303", "-", have("projection/frozen-zero"),
        sprintf("M = 0 and frozen: loss %.3f, accuracy %s; M = 0 and learning: %s", worst["projection/frozen-zero"],
            figure("projection/frozen-zero", "last"), figure("projection/learned-zero", "last")), "projection",
        (worst["projection/frozen-zero"] > 2.29) ? "holds" : "does not hold")
    row("15 layers train; no layer's loss stays near ln 10", "to 15 layers", "-", have("depth/mf-15"),
        sprintf("largest loss of a layer %.3f", worst["depth/mf-15"]) (have("depth/mf-30") ? sprintf("; with 30 layers %.3f", worst["depth/mf-30"]) : ""),
        "depth", (worst["depth/mf-15"] < 2.2) ? "holds" : "does not hold")
    row("Passes to convergence: flat in depth for MF, growing for BP", "flat / growing", "-", have("depth/mf-2 depth/mf-15 depth/bp-2 depth/bp-15"),
        sprintf("2 to 15 layers: BP %.1f to %.1f, MF %.1f to %.1f", mean("depth/bp-2", "kept"), mean("depth/bp-15", "kept"),
            mean("depth/mf-2", "kept"), mean("depth/mf-15", "kept")), "depth", depth_verdict())
    row("Deep MF is as accurate as deep BP (15 layers of 500, CIFAR-10)", "-", "-", have("depth/mf-15 depth/bp-15"),
        pair("depth/bp-15", "depth/mf-15", "last") sprintf("; MF's first layer %.2f", mean("depth/mf-15", "first")), "depth",
        as_good("depth/mf-15", "last", "depth/bp-15", "last", 0.2))
    row("Later layers improve on earlier ones (15 layers)", "features compose", "-", have("depth/mf-15"),
        sprintf("first %.2f, last %.2f", mean("depth/mf-15", "first"), mean("depth/mf-15", "last")), "depth",
        as_good("depth/mf-15", "last", "depth/mf-15", "first", 0.2))
    memory = peak["memory/sgd-bp-20"] > 0
    row("Memory per layer (2000 neurons, batch 30,000, SGD), MB", "204.00 / 16.16", "-", memory, sprintf("%.2f / %.2f", slope("bp"), slope("mf")),
        "memory", (slope("mf") < 0.5 * slope("bp")) ? "holds" : "does not hold")
    row("MF's share of BP's memory at 2, 5, 10, 15, 20 layers", "-", "-", memory, shares("bp"), "memory",
        (peak["memory/sgd-mf-5"] < 0.5 * peak["memory/sgd-bp-5"]) ? "below half from 5 layers on" : "does not hold")
    row("... of BP with checkpoints", "not compared", "-", memory, shares("bp-checkpoint"), "memory",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-checkpoint-20"]) ? "less still" : "does not hold")
    row("... of BP with gradients added up over 1,000 rows", "not compared", "-", memory, shares("bp-accumulate"), "memory",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-accumulate-20"]) ? "less still" : "does not hold: accumulation needs less")
    mf = "mlp-table/cifar-mf-converged"
    bp = "mlp-table/cifar-bp-converged"
    greedy = "mlp-table/cifar-greedy-converged"
    row("CIFAR-10, 3 x 2000, each to its own convergence: better than BP", "54.25 / 56.99", "62.47 / 66.37 (greedy)", have(greedy " " bp),
        pair(bp, greedy, "last") " greedy, " figure(mf, "last") " jointly", "mlp-table", as_good(greedy, "last", bp, "last", 0.2))
    row("... and MF needs more passes for it", "-", "3.5 to 4.5 times", have(greedy " " bp),
        sprintf("%.1f times greedy, %.1f jointly", mean(greedy, "passes") / max(mean(bp, "passes"), 1), mean(mf, "passes") / max(mean(bp, "passes"), 1)),
        "mlp-table", (mean(greedy, "passes") > mean(bp, "passes")) ? "holds" : "does not hold")
    mf = "mlp-table/cifar-mf-passes"
    bp = "mlp-table/cifar-bp-passes"
    row("CIFAR-10, 3 x 2000, 18 passes: as accurate as BP", "-", "greedy: -1.1", have(mf " " bp),
        pair(bp, mf, "last") " jointly, " figure("mlp-table/cifar-greedy-passes", "last") " greedy", "mlp-table",
        as_good(mf, "last", bp, "last", 0.2))
    greedy = "mlp-table/mnist-greedy-converged"
    bp = "mlp-table/mnist-bp-converged"
    row("MNIST, 2 x 1000, each to its own convergence", "98.69 / 98.74", "98.20 / 98.40 (greedy)", have(greedy " " bp),
        pair(bp, greedy, "last") " greedy, " figure("mlp-table/mnist-mf-converged", "last") " jointly", "mlp-table",
        as_good(greedy, "last", bp, "last", 0.2))
    versus("cnn-table", "mnist", "MNIST, convolutions", "99.52 / 99.58", "-", "cnn-table/mnist-mf-flat")
    versus("cnn-table", "cifar", "CIFAR-10, convolutions, flattened heads", "77.80 / 82.39", "-", "cnn-table/cifar-mf-flat")
    versus("cnn-table", "cifar", "CIFAR-10, convolutions, heads pooled to 4 x 4", "-", "-", "cnn-table/cifar-mf-pooled")
    versus("tabular", "adult", "Adult (BP / MF / linear)", "\"comparable\"", "-", "tabular/adult-mf", 1)
    versus("tabular", "letter", "Letter", "\"comparable\"", "-", "tabular/letter-mf", 1)
    versus("tabular", "wine-quality", "Wine quality", "\"comparable\"", "-", "tabular/wine-quality-mf", 1)
    versus("tabular", "optdigits", "Optdigits", "\"comparable\"", "-", "tabular/optdigits-mf", 1)
    versus("text", "rt-polarity", "rt-polarity (BP / MF / linear)", "\"comparable\"", "-", "text/rt-polarity-mf", 1)
    versus("text", "imdb", "IMDb, a subset", "\"comparable\"", "-", "text/imdb-mf", 1)
    row("A pass takes less time than BP's (4 x 1000, two cores)", "shorter", "within 4%", have("schedule/joint schedule/bp"),
        sprintf("rows/s: BP %.0f, joint %.0f, pipelined %.0f", mean("schedule/bp", "rate"), mean("schedule/joint", "rate"), mean("schedule/pipelined", "rate")),
        "schedule", (mean("schedule/joint", "rate") > mean("schedule/bp", "rate")) ? "holds" : "does not hold")
    row("Joint and greedy training are as accurate, with as many passes", "-", "-", have("schedule/joint schedule/greedy-equal-passes"),
        "joint " figure("schedule/joint", "last") ", greedy " figure("schedule/greedy-equal-passes", "last") ", 12 passes for each layer " \
        figure("schedule/greedy-12-each", "last"), "schedule",
        as_good("schedule/greedy-equal-passes", "last", "schedule/joint", "last", 0.2))
    print "\nTables, figures and choices, one page each: [sanity](experiments/sanity.md), [projection](experiments/projection.md),"
    print "[depth](experiments/depth.md), [memory](experiments/memory.md), [mlp-table](experiments/mlp-table.md),"
    print "[cnn-table](experiments/cnn-table.md), [tabular](experiments/tabular.md), [text](experiments/text.md),"
    print "[schedule](experiments/schedule.md)."
}
function max(a, b) {
    return (a > b) ? a : b
}
# Flat: less than half as many again. Growing: more than that.
function depth_verdict(    flat, grows) {
    flat = mean("depth/mf-15", "kept") < 1.5 * mean("depth/mf-2", "kept")
    grows = mean("depth/bp-15", "kept") > 1.5 * mean("depth/bp-2", "kept")
    return (flat && grows) ? "holds" : flat ? "holds partly: MF is flat, but so is BP" : grows ? "does not hold: MF grows too" : "does not hold"
}
