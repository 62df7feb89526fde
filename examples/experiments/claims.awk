# The claims, the figures of others, and what our tables say of them. Every verdict is computed here, by the rule
# that stands beside it; a claim whose runs are not there yet says so. Read behind statistics.awk. Variables: only (the
# rows of one experiment, for its page; all of them without).
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
    passes_of[$1] = $at["pass"]
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
    note(key, "sum-last", $at["test_sum"] - $at["test_last"])
    note(key, "passes", $at["passes"])
    note(key, "rate", $at["rows_per_second"])
    note(key, "seconds", $at["seconds"])
    note(key, "chosen", $at["learning_rate"])
    if ($1 ~ /-s1$/)
        valid_first_seed[key] = $at["valid_last"]
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
function row(claim, paper, rerun, there, ours, name, verdict) {
    if (only != "" && only != name)
        return
    if (!there) {
        ours = "not run yet"
        verdict = "-"
    }
    printf "| %s | %s | %s | %s | `%s` | %s |\n", claim, paper, rerun, ours, name, verdict
}
# As good as the other, within so many points (0: better), and whether the seeds can tell them apart: two standard errors.
function as_good(a, what, b, other, within,    ours, theirs, error) {
    if (!n[a, what] || !n[b, other])
        return !n[a, what] && diverged[a] ? "does not hold" : diverged[b] ? "BP diverged" : "-"
    ours = mean(a, what)
    theirs = mean(b, other)
    error = sqrt(deviation(a, what) ^ 2 / n[a, what] + deviation(b, other) ^ 2 / n[b, other])
    return judge(ours - theirs, within) (n[a, what] == 1 || n[b, other] == 1 ? " (one seed)" : doubt(ours - theirs, error))
}
function judge(difference, within) {
    return (difference >= 0) ? "holds" : (difference >= -within) ? "holds partly" : "does not hold"
}
function doubt(difference, error) {
    return (difference ^ 2 < 4 * error ^ 2) ? " (within the noise)" : ""
}
# The same of two answers of the same networks: differences of pairs.
function better(key, difference) {
    return judge(mean(key, difference), 0) \
        (n[key, difference] == 1 ? " (one seed)" : doubt(mean(key, difference), deviation(key, difference) / sqrt(n[key, difference])))
}
function pair(a, b, what) {
    return figure(a, what) " / " figure(b, what)
}
# Long runs have two learning rates: both groups, and the one that was better on the validation rows.
function both_rates(method) {
    return "mlp-table/cifar-" method "-long mlp-table/cifar-" method "-long-low"
}
function long(method,    chosen, low) {
    chosen = "mlp-table/cifar-" method "-long"
    low = chosen "-low"
    return (valid_first_seed[low] > valid_first_seed[chosen]) ? low : chosen
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
# A row for a data set of tabular, text or the convolutions.
function versus(name, data, title, paper, mf, others, within,    bp, linear) {
    bp = name "/" data "-bp"
    linear = name "/" data "-linear"
    row(title, paper, "-", have(mf " " bp), pair(bp, mf, "last") (others ? " / " figure(linear, "last") : ""), name,
        as_good(mf, "last", bp, "last", within))
}
# The dense networks to their own convergence, on a data set of mlp-table.
function converged(claim, paper, rerun, data,    bp, greedy, mf) {
    bp = "mlp-table/" data "-bp-converged"
    greedy = "mlp-table/" data "-greedy-converged"
    mf = "mlp-table/" data "-mf-converged"
    row(claim, paper, rerun, have(bp " " greedy " " mf), pair(bp, greedy, "last") " greedy, " figure(mf, "last") " jointly", "mlp-table",
        "greedy: " as_good(greedy, "last", bp, "last", 0.2) "; jointly: " as_good(mf, "last", bp, "last", 0.2))
}
# Passes until the last layer is within a point of the best it reaches on the validation rows.
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
    }
}
function at_depths(before) {
    return "depth/" before "-2 depth/" before "-8 depth/" before "-15"
}
function over_depths(format, what, before,    list, keys, count, i) {
    count = split(at_depths(before), keys, " ")
    for (i = 1; i <= count; i++)
        list = list (i > 1 ? ", " : "") sprintf(format, mean(keys[i], what))
    return list
}
function introduce() {
    print "# The paper's claims, measured\n"
    print "Mono-Forward (arXiv 2501.09238) and its independent re-runs, beside what `sh examples/experiments/run.sh NAME` finds. This"
    print "page is made from the tables in [experiments](experiments) by that command. Accuracies are test percent, mean ± deviation"
    print "over seeds; pairs are BP / MF. BP is the same network with a linear classifier on top, with the same products,"
    print "optimizer, data and order of rows. Learning rates and scales of weights, and where a run goes on to its own convergence"
    print "also the number of passes, were chosen on validation rows alone. [experiments.md](../experiments.md) tells how, and what was"
    print "cut. The paper's figures are known second-hand and were tuned on the test set; words in quotation marks are those of a"
    print "summary of it.\n"
    print "\"Holds\": as good or better; \"holds partly\": by less than 0.2 points worse (0.5 in tables, texts and CIFAR-10's"
    print "convolutions), or as the row says; what is claimed to be better must be. \"Within the noise\": the difference is below two"
    print "standard errors of the seeds.\n"
}
END {
    note_passes()
    if (only == "")
        introduce()
    print "| Claim | Paper | Re-runs | Ours | run.sh | Verdict |"
    print "|---|---|---|---|---|---|"
    mf = "sanity/mf"
    bp = "sanity/bp"
    row("MNIST, 2 x 1000, 20 passes: as accurate as BP", "98.69 / 98.74", "-", have(mf " " bp),
        pair(bp, mf, "last"), "sanity", as_good(mf, "last", bp, "last", 0.2))
    row("... trained greedily, with as many passes", "-", "-0.2", have("mlp-table/mnist-greedy-passes " bp),
        pair(bp, "mlp-table/mnist-greedy-passes", "last"), "mlp-table", as_good("mlp-table/mnist-greedy-passes", "last", bp, "last", 0.2))
    row("The sum of all layers answers better than the last", "\"higher accuracy\"", "-", have(mf),
        "SUM " figure(mf, "sum") ", LAST " figure(mf, "last"), "sanity", better(mf, "sum-last"))
    row("MNIST, 2 x 1000: less than half of BP's memory", "\"< 50%\"", "-", peak["sanity/memory-bp-adam-30000"] > 0,
        sprintf("SGD %s, Adam %s at batch 128; SGD %s, Adam %s at 30,000", share("sanity/memory-mf-sgd-128", "sanity/memory-bp-sgd-128"),
            share("sanity/memory-mf-adam-128", "sanity/memory-bp-adam-128"), share("sanity/memory-mf-sgd-30000", "sanity/memory-bp-sgd-30000"),
            share("sanity/memory-mf-adam-30000", "sanity/memory-bp-adam-30000")), "sanity",
        (peak["sanity/memory-mf-sgd-128"] < 0.5 * peak["sanity/memory-bp-sgd-128"]) ? "holds" : \
            (peak["sanity/memory-mf-sgd-30000"] < 0.5 * peak["sanity/memory-bp-sgd-30000"]) ? "holds partly" : "does not hold")
    less = change("sanity/memory-cifar-mf-adam", "sanity/memory-cifar-bp-adam")
    row("CIFAR-10, 3 x 2000, batch 128: less memory than BP", "-", "-25% to -28%", peak["sanity/memory-cifar-bp-adam"] > 0,
        sprintf("SGD %.0f%%, Adam %.0f%%", change("sanity/memory-cifar-mf-sgd", "sanity/memory-cifar-bp-sgd"), less), "sanity",
        (less < -20) ? "holds" : (less < 0) ? "holds partly: parameters are most of it" : "does not hold")
    row("One answer by SUM takes 5.7 times as long as by LAST", "1.7 ms, 0.3 ms", "-", answer_last > 0,
        sprintf("%.3f ms, %.3f ms", answer_sum, answer_last), "sanity",
        (answer_sum < 2 * answer_last) ? "does not hold: SUM is as quick" : "holds")
    row("The projection must learn", "\"if critical, a significant drop\"", "-", have("projection/learned-kaiming projection/frozen-kaiming"),
        "learned " figure("projection/learned-kaiming", "last") ", frozen random " figure("projection/frozen-kaiming", "last") \
        ", frozen orthogonal " figure("projection/frozen-orthogonal", "last"), "projection",
        (mean("projection/frozen-kaiming", "last") < mean("projection/learned-kaiming", "last") - 1) ? "holds" : \
        (mean("projection/frozen-kaiming", "last") < mean("projection/learned-kaiming", "last") - 0.1) ? "holds partly: it helps" : \
        "does not hold")
    row("A loss stuck at ln m (2.303) betrays a dead projection", "\"check M\"", "-", have("projection/frozen-zero"),
        sprintf("M = 0 and frozen: loss %.3f, accuracy %s; M = 0 and learning: %s", worst["projection/frozen-zero"],
            figure("projection/frozen-zero", "last"), figure("projection/learned-zero", "last")), "projection",
        (worst["projection/frozen-zero"] > 2.29) ? "holds" : "does not hold")
    row("15 layers train; no layer's loss stays near ln 10", "to 15 layers", "-", have("depth/mf-15"),
        sprintf("largest loss of a layer %.3f", worst["depth/mf-15"]) (have("depth/mf-30") ? sprintf("; with 30 layers %.3f, test accuracy %.2f", worst["depth/mf-30"], mean("depth/mf-30", "last")) : ""),
        "depth", (worst["depth/mf-15"] < 2.2) ? "holds" : "does not hold")
    row("Passes to convergence: flat in depth for MF, growing for BP", "flat / growing", "-", have(at_depths("mf") " " at_depths("bp")),
        "within a point of the best, at 2, 8, 15 layers: BP " over_depths("%.1f", "near", "bp") "; MF " over_depths("%.1f", "near", "mf") \
        "; learning rates BP " over_depths("%g", "chosen", "bp") "; MF " over_depths("%g", "chosen", "mf"), "depth", depth_verdict())
    row("Deep MF is as accurate as deep BP (15 layers of 500, CIFAR-10)", "-", "-", have("depth/mf-15 depth/bp-15"),
        pair("depth/bp-15", "depth/mf-15", "last") sprintf("; MF's first layer %.2f", mean("depth/mf-15", "first")), "depth",
        as_good("depth/mf-15", "last", "depth/bp-15", "last", 0.2))
    row("Later layers improve on earlier ones (15 layers)", "\"compose\"", "-", have("depth/mf-15"),
        sprintf("first %.2f, last %.2f", mean("depth/mf-15", "first"), mean("depth/mf-15", "last")), "depth",
        better("depth/mf-15", "last-first"))
    row("A pass takes less time than BP's, at 2, 8, 15 layers (one core)", "shorter", "within 4%", have(at_depths("one-pass-mf") " " at_depths("one-pass-bp")),
        "seconds: BP " over_depths("%.1f", "seconds", "one-pass-bp") "; MF " over_depths("%.1f", "seconds", "one-pass-mf"), "depth",
        (mean("depth/one-pass-mf-15", "seconds") < mean("depth/one-pass-bp-15", "seconds")) ? "holds" : "does not hold")
    row("Memory per layer (2000 neurons, batch 30,000, SGD), MB", "204.00 / 16.16", "-", peak["memory/sgd-bp-20"] > 0, sprintf("%.2f / %.2f", slope("bp"), slope("mf")),
        "memory", (slope("mf") < 0.5 * slope("bp")) ? "holds" : "does not hold")
    row("MF's share of BP's memory at 2, 5, 10, 15, 20 layers", "-", "-", peak["memory/sgd-bp-20"] > 0, shares("bp"), "memory",
        (peak["memory/sgd-mf-5"] < 0.5 * peak["memory/sgd-bp-5"]) ? "below half from 5 layers on" : "does not hold")
    row("... of BP with checkpoints", "not compared", "-", peak["memory/sgd-bp-checkpoint-20"] > 0, shares("bp-checkpoint"), "memory",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-checkpoint-20"]) ? "less still" : "does not hold")
    row("... of BP with gradients added up over 1,000 rows", "not compared", "-", peak["memory/sgd-bp-accumulate-20"] > 0, shares("bp-accumulate"), "memory",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-accumulate-20"]) ? "less still" : "does not hold: accumulation needs less")
    mf = long("mf")
    bp = long("bp")
    greedy = long("greedy")
    row("CIFAR-10, 3 x 2000, 45 passes (greedy: for each layer): better than BP", "54.25 / 56.99", "62.47 / 66.37 (greedy)", have(both_rates("greedy") " " both_rates("bp") " " both_rates("mf")),
        pair(bp, greedy, "last") " greedy, " figure(mf, "last") " jointly" sprintf("; learning rates %g / %g, %g", mean(bp, "chosen"),
            mean(greedy, "chosen"), mean(mf, "chosen")), "mlp-table",
        "greedy: " as_good(greedy, "last", bp, "last", 0) "; jointly: " as_good(mf, "last", bp, "last", 0))
    row("... than BP with 135 passes, too", "-", "-", have(both_rates("greedy") " mlp-table/cifar-bp-135"), pair("mlp-table/cifar-bp-135", greedy, "last") " greedy",
        "mlp-table", as_good(greedy, "last", "mlp-table/cifar-bp-135", "last", 0))
    few = "mlp-table/cifar-greedy-passes"
    row("... 15 data passes (greedy: 5 for each layer): as accurate as BP", "-", "-1.1 (greedy)", have("mlp-table/cifar-mf-passes mlp-table/cifar-bp-passes"),
        pair("mlp-table/cifar-bp-passes", few, "last") " greedy, " figure("mlp-table/cifar-mf-passes", "last") " jointly", "mlp-table",
        "greedy: " as_good(few, "last", "mlp-table/cifar-bp-passes", "last", 0.2) "; jointly: " \
        as_good("mlp-table/cifar-mf-passes", "last", "mlp-table/cifar-bp-passes", "last", 0.2))
    row("... greedy MF needs more passes than BP to be better", "-", "3.5 to 4.5 times", have(both_rates("greedy") " " both_rates("bp") " " few " mlp-table/cifar-bp-passes"),
        sprintf("ahead of BP by %.2f after 15 passes, by %.2f after 135 to 45", mean(few, "last") - mean("mlp-table/cifar-bp-passes", "last"),
            mean(greedy, "last") - mean(bp, "last")), "mlp-table",
        (mean(few, "last") < mean("mlp-table/cifar-bp-passes", "last") && mean(greedy, "last") > mean(bp, "last")) ? "holds" : "does not hold")
    converged("MNIST, 2 x 1000, each to its own convergence", "98.69 / 98.74", "98.20 / 98.40 (greedy)", "mnist")
    converged("Fashion-MNIST, the same", "90.27 / 90.52", "89.41 / 89.42 (greedy)", "fashion")
    row("CIFAR-100, 3 x 2000: better than BP", "27.64 / 29.05", "32.90 / 37.94 (greedy)", 1, "not run: the data was not at hand", "mlp-table", "-")
    versus("cnn-table", "mnist", "MNIST, convolutions, flattened heads: as accurate as BP", "99.52 / 99.58", "cnn-table/mnist-mf-flat", 0, 0.2)
    versus("cnn-table", "mnist", "... heads pooled to 4 x 4", "-", "cnn-table/mnist-mf-pooled", 0, 0.2)
    versus("cnn-table", "cifar", "CIFAR-10, convolutions, flattened heads: as accurate as BP", "77.80 / 82.39", "cnn-table/cifar-mf-flat", 0, 0.5)
    versus("cnn-table", "cifar", "... heads pooled to 4 x 4", "-", "cnn-table/cifar-mf-pooled", 0, 0.5)
    versus("tabular", "adult", "Adult: as accurate as BP (BP / MF / linear)", "\"comparable\"", "tabular/adult-mf", 1, 0.5)
    versus("tabular", "letter", "Letter", "\"comparable\"", "tabular/letter-mf", 1, 0.5)
    versus("tabular", "wine-quality", "Wine quality", "\"comparable\"", "tabular/wine-quality-mf", 1, 0.5)
    versus("tabular", "optdigits", "Optdigits", "\"comparable\"", "tabular/optdigits-mf", 1, 0.5)
    versus("text", "rt-polarity", "rt-polarity: as accurate as BP (BP / MF / linear)", "\"comparable\"", "text/rt-polarity-mf", 1, 0.5)
    versus("text", "imdb", "IMDb, a subset", "\"comparable\"", "text/imdb-mf", 1, 0.5)
    row("A pass takes less time than BP's (4 x 1000, two cores)", "shorter", "within 4%", have("schedule/joint schedule/bp"),
        sprintf("rows/s: BP %.0f, joint %.0f, pipelined %.0f", mean("schedule/bp", "rate"), mean("schedule/joint", "rate"), mean("schedule/pipelined", "rate")),
        "schedule", (mean("schedule/joint", "rate") > mean("schedule/bp", "rate")) ? "holds" : "does not hold")
    row("Joint and greedy training are as accurate, with as many passes", "-", "-", have("schedule/joint schedule/greedy-equal-passes"),
        "joint " figure("schedule/joint", "last") ", greedy " figure("schedule/greedy-equal-passes", "last") ", 12 passes for each layer " \
        figure("schedule/greedy-12-each", "last"), "schedule",
        as_good("schedule/greedy-equal-passes", "last", "schedule/joint", "last", 0.2))
    if (only != "")
        exit
    print "\nTables, figures and choices, one page each: [sanity](experiments/sanity.md), [projection](experiments/projection.md),"
    print "[depth](experiments/depth.md), [memory](experiments/memory.md), [mlp-table](experiments/mlp-table.md),"
    print "[cnn-table](experiments/cnn-table.md), [tabular](experiments/tabular.md), [text](experiments/text.md),"
    print "[schedule](experiments/schedule.md)."
}
# How much less or more, in percent.
function change(a, b) {
    return peak[b] ? 100 * (peak[a] / peak[b] - 1) : 0
}
# Flat: less than half as many again. Growing: more than that.
function depth_verdict(    flat, grows) {
    if (mean("depth/bp-15", "last") < 15 || mean("depth/mf-15", "last") < 15)
        return "-: 15 layers have not learned"
    flat = mean("depth/mf-15", "near") < 1.5 * mean("depth/mf-2", "near")
    grows = mean("depth/bp-15", "near") > 1.5 * mean("depth/bp-2", "near")
    return (flat && grows) ? "holds" : flat ? "holds partly: MF is flat, but so is BP" : grows ? "does not hold: MF grows too" : "does not hold"
}
