# The claims, the figures of others, and what our tables say of them. Every verdict is computed, by the rule that stands
# beside it; a claim whose runs are not there yet says so. Read behind statistics.awk and verdicts.awk. Variables: only
# (the rows of one experiment, for its page; all of them without).
# SPDX-License-Identifier: MIT
function introduce() {
    print "# The paper's claims, measured\n"
    print "Mono-Forward (arXiv 2501.09238) and its independent re-runs, beside what `sh examples/studies/experiments/run.sh NAME` finds. This"
    print "page is made from the tables in [experiments](experiments) by that command. Accuracies are test percent, mean ± deviation"
    print "over seeds; pairs are BP / MF. BP is the same network with a linear classifier on top, with the same products,"
    print "optimizer, data and order of rows. Learning rates and scales of weights, and where a run goes on to its own convergence"
    print "also the number of passes, were chosen on validation rows alone. [experiments.md](../experiments.md) tells how, and what was"
    print "cut, and which grids were widened after test figures had been seen. The paper's figures are known second-hand and were"
    print "tuned on the test set; words in quotation marks are those of a summary of it, some of which are its advice.\n"
    print "\"Holds\": as good or better; \"holds partly\": by at most 0.2 points worse (0.5 in tables, texts and CIFAR-10's"
    print "convolutions), or as the row says; what is claimed to be better must not be worse. \"Within the noise\": Welch's test does"
    print "not tell the seeds' means apart at 95%. There are three seeds (five of MNIST's 20 passes, tables and texts), unless a row"
    print "says one; memory and times were measured once, of a library whose steps held one area of [batch, widest] less than"
    print "[today's](../performance.md#memory-against-depth).\n"
}
# The claims of an experiment's own page say what they go on from where that is a claim of another.
function row(claim, paper, rerun, there, ours, name, verdict) {
    if (claim !~ /^\.\.\./) {
        parent = claim
        parent_name = name
    } else if (only == name && parent_name != only)
        claim = parent ": " claim
    if (only != "" && only != name)
        return
    if (!there) {
        ours = "not run yet"
        verdict = "-"
    }
    printf "| %s | %s | %s | %s | `%s` | %s |\n", claim, paper, rerun, ours, name, verdict
}
function share_row(claim, paper, other, verdict) {
    row(claim, paper, "-", shares(other) != "", shares(other), "memory", verdict)
}
# A row for a data set of tabular, text or the convolutions.
function versus(name, data, title, paper, mf, others, within,    bp, linear) {
    bp = name "/" data "-bp"
    linear = name "/" data "-linear"
    row(title, paper, "-", have(mf " " bp), pair(bp, mf, "last") (others ? " / " figure(linear, "last") : ""), name,
        as_good(mf, "last", bp, "last", within))
}
# The paper's best answer of its convolutions is the sum.
function versus_sum(data, within,    mf, bp) {
    mf = "cnn-table/" data "-mf-flat"
    bp = "cnn-table/" data "-bp"
    row("... the same, by the sum of all layers", "the above", "-", have(mf " " bp), figure(bp, "last") " / " figure(mf, "sum"), "cnn-table",
        as_good(mf, "sum", bp, "last", within))
}
# The dense networks on a data set of mlp-table: "converged", or with 15 "passes", of which greedy training has 5 for each layer.
function dense(claim, paper, rerun, data, training, within,    bp, greedy, mf) {
    bp = "mlp-table/" data "-bp-" training
    greedy = "mlp-table/" data "-greedy-" training
    mf = "mlp-table/" data "-mf-" training
    row(claim, paper, rerun, have(bp " " greedy " " mf), pair(bp, greedy, "last") " greedy, " figure(mf, "last") " jointly", "mlp-table",
        "greedy: " as_good(greedy, "last", bp, "last", within) "; jointly: " as_good(mf, "last", bp, "last", within))
}
# Is a projection that does not learn worse than one that does?
function need(claim, paper, kind, others,    learned, frozen) {
    learned = "projection/learned-" kind
    frozen = "projection/frozen-" kind
    row(claim, paper, "-", have(learned " " frozen), "learned " figure(learned, "last") ", frozen " figure(frozen, "last") others,
        "projection", sound(learned " " frozen, needed(learned, frozen)))
}
function claims_on_mnist(    mf, bp) {
    mf = "sanity/mf"
    bp = "sanity/bp"
    row("MNIST, 2 x 1000, 20 passes: as accurate as BP", "98.69 / 98.74", "-", have(mf " " bp),
        pair(bp, mf, "last"), "sanity", as_good(mf, "last", bp, "last", 0.2))
    row("... trained greedily, with as many passes", "-", "-0.2", have("mlp-table/mnist-greedy-passes " bp),
        pair(bp, "mlp-table/mnist-greedy-passes", "last"), "mlp-table", as_good("mlp-table/mnist-greedy-passes", "last", bp, "last", 0.2))
}
function claims_on_sums(    greedy, joint) {
    greedy = settled["mlp-table/cifar-greedy-long"]
    joint = settled["mlp-table/cifar-mf-long"]
    row("The sum of all layers answers better than the last, on MNIST, 2 x 1000", "\"higher accuracy\"", "-", have("sanity/mf"), sum_and_last("sanity/mf"),
        "sanity", better("sanity/mf", "sum-last"))
    row("... on CIFAR-10, 3 x 2000, 45 passes of each layer", "\"higher accuracy\"", "-",
        tried["mlp-table/cifar-greedy-long"] == 2 && tried["mlp-table/cifar-mf-long"] == 2,
        sum_and_last(greedy) " greedy; " sum_and_last(joint) " jointly", "mlp-table",
        "greedy: " better(greedy, "sum-last") "; jointly: " better(joint, "sum-last"))
    row("... on CIFAR-10, convolutions, flattened heads", "\"higher accuracy\"", "-", have("cnn-table/cifar-mf-flat"),
        sum_and_last("cnn-table/cifar-mf-flat"), "cnn-table", better("cnn-table/cifar-mf-flat", "sum-last"))
}
function claims_on_two_layers(    less) {
    row("MNIST, 2 x 1000: less than half of BP's memory", "\"memory <50%\"", "-", measured(memories("", "-128") " " memories("", "-30000")),
        sprintf("SGD %s, Adam %s at batch 128; SGD %s, Adam %s at 30,000", share("sanity/memory-mf-sgd-128", "sanity/memory-bp-sgd-128"),
            share("sanity/memory-mf-adam-128", "sanity/memory-bp-adam-128"), share("sanity/memory-mf-sgd-30000", "sanity/memory-bp-sgd-30000"),
            share("sanity/memory-mf-adam-30000", "sanity/memory-bp-adam-30000")), "sanity",
        (peak["sanity/memory-mf-sgd-128"] < 0.5 * peak["sanity/memory-bp-sgd-128"]) ? "holds" : \
            (peak["sanity/memory-mf-sgd-30000"] < 0.5 * peak["sanity/memory-bp-sgd-30000"]) ? "holds partly" : "does not hold")
    less = change("sanity/memory-cifar-mf-adam", "sanity/memory-cifar-bp-adam")
    row("CIFAR-10, 3 x 2000, batch 128: less memory than BP", "-", "-25% to -28%", measured(memories("cifar-", "")),
        sprintf("SGD %.0f%%, Adam %.0f%%", change("sanity/memory-cifar-mf-sgd", "sanity/memory-cifar-bp-sgd"), less), "sanity",
        (less < -20) ? "holds" : (less < 0) ? "holds partly: parameters are most of it" : "does not hold")
    row("One answer by SUM takes 5.7 times as long as by LAST", "1.7 ms, 0.3 ms", "-", answer_last > 0,
        sprintf("%.3f ms, %.3f ms", answer_sum, answer_last), "sanity",
        (answer_sum < 2 * answer_last) ? "does not hold: SUM is as quick" : "holds")
}
function claims_on_projections(    frozen) {
    need("MNIST, 3 x 500: the projection must learn", "\"significant accuracy drop if projection learning is critical\"", "kaiming",
        ", frozen orthogonal " figure("projection/frozen-orthogonal", "last"))
    need("... also when it is a hundredth as large", "-", "gain-0.01", "")
    need("... also at rank 4", "-", "rank-4", "")
    frozen = "projection/frozen-zero"
    row("A loss stuck at ln m (2.303) betrays a dead projection", "\"Check M_i initialization\"", "-", have(frozen " projection/learned-zero"),
        sprintf("M = 0 and frozen: loss %.3f, accuracy %s; M = 0 and learning: %s", worst[frozen], figure(frozen, "last"),
            figure("projection/learned-zero", "last")), "projection", sound(frozen, (worst[frozen] > 2.29) ? "holds" : "does not hold"))
}
function versus_depth(claim, layers,    mf, bp) {
    mf = settled["depth/mf-" layers]
    bp = settled["depth/bp-" layers]
    row(claim, "-", "-", settled_depths("bp") && settled_depths("mf"), pair(bp, mf, "last"), "depth", as_good(mf, "last", bp, "last", 0.2))
}
function last_on_first(claim, paper, layers,    mf) {
    mf = settled["depth/mf-" layers]
    row(claim, paper, "-", settled_depths("mf"), sprintf("%.2f to %.2f", mean(mf, "first"), mean(mf, "last")), "depth", better(mf, "last-first"))
}
function claims_on_depth() {
    row("15 layers train; no layer's loss stays near ln 10", "to 15 layers", "-", have("depth/mf-15 depth/mf-30"),
        sprintf("largest loss of a layer %.3f; with 30 layers %.3f, test accuracy %s", worst["depth/mf-15"], worst["depth/mf-30"],
            figure("depth/mf-30", "last")), "depth", sound("depth/mf-15", (worst["depth/mf-15"] < 2.2) ? "holds" : "does not hold"))
    row("Passes to convergence: growing with depth for BP, flat for MF", "growing / flat", "-", settled_depths("bp") && settled_depths("mf"),
        "within a point of the best, at 2, 8, 15 layers: " over(at_depths("bp"), "%d", "near") " / " over(at_depths("mf"), "%d", "near") \
        "; learning rates " over(at_depths("bp"), "%g", "chosen") " / " over(at_depths("mf"), "%g", "chosen"), "depth",
        sound(at_depths("bp") " " at_depths("mf"), depth_verdict()))
    versus_depth("CIFAR-10, layers of 500, to convergence: as accurate as BP, 2 layers", 2)
    versus_depth("... 8 layers", 8)
    versus_depth("... 15 layers", 15)
    last_on_first("Later layers improve on earlier ones: the last of 8 on the first", "\"compose\"", 8)
    last_on_first("... the last of 15", "\"compose\"", 15)
    row("A pass takes less time than BP's, at 2, 8, 15 layers (one core)", "shorter", "within 4%", have(timed("mf") " " timed("bp")),
        "seconds: " over(timed("bp"), "%.1f", "seconds") " / " over(timed("mf"), "%.1f", "seconds"), "depth",
        sound(timed("mf") " " timed("bp"), quicker(timed("mf"), timed("bp"))))
}
function claims_on_memory() {
    row("Memory per layer (2000 neurons, batch 30,000, SGD), MB", "204.00 / 16.16", "-", shares("bp") != "",
        sprintf("%.2f / %.2f", slope("bp"), slope("mf")), "memory", (slope("mf") < 0.5 * slope("bp")) ? "holds" : "does not hold")
    share_row("MF's share of BP's memory at 2, 5, 10, 15, 20 layers (SGD)", "-", "bp",
        (peak["memory/sgd-mf-5"] < 0.5 * peak["memory/sgd-bp-5"]) ? "below half from 5 layers on" : "does not hold")
    share_row("... of BP with checkpoints", "not compared", "bp-checkpoint",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-checkpoint-20"]) ? "MF needs less" : "does not hold")
    share_row("... of BP with gradients added up over 1,000 rows (MF in whole batches)", "not compared", "bp-accumulate",
        (peak["memory/sgd-mf-20"] < peak["memory/sgd-bp-accumulate-20"]) ? "MF needs less" : "does not hold: accumulation needs less")
}
function claims_on_cifar(    greedy, joint, bp, lower, both, few, bp_few, bp_most) {
    greedy = settled["mlp-table/cifar-greedy-long"]
    joint = settled["mlp-table/cifar-mf-long"]
    bp = settled["mlp-table/cifar-bp-long"]
    bp_most = "mlp-table/cifar-bp-135"
    lower = (bp ~ /low$/) + (greedy ~ /low$/) + (joint ~ /low$/)
    both = tried["mlp-table/cifar-bp-long"] == 2 && tried["mlp-table/cifar-greedy-long"] == 2
    row("CIFAR-10, 3 x 2000, crops and flips, 45 passes (greedy: of each layer): better than BP", "54.25 / 56.99", "62.47 / 66.37 (greedy, to convergence)",
        both && tried["mlp-table/cifar-mf-long"] == 2, pair(bp, greedy, "last") " greedy, " figure(joint, "last") " jointly" \
        sprintf("; learning rates %g / %g, %g, %s the lower of two", mean(bp, "chosen"), mean(greedy, "chosen"), mean(joint, "chosen"),
            (lower == 3) ? "each" : lower " of them"), "mlp-table",
        "greedy: " as_good(greedy, "last", bp, "last", 0) "; jointly: " as_good(joint, "last", bp, "last", 0))
    row("... than BP with 135 passes, too", "-", "-", both && have(bp_most),
        pair(bp_most, greedy, "last") " greedy", "mlp-table", as_good(greedy, "last", bp_most, "last", 0))
    row("... with as many as patience allows", "-", "62.47 / 66.37 (greedy)", have("mlp-table/cifar-greedy-converged mlp-table/cifar-bp-converged"),
        pair("mlp-table/cifar-bp-converged", "mlp-table/cifar-greedy-converged", "last") " greedy", "mlp-table",
        as_good("mlp-table/cifar-greedy-converged", "last", "mlp-table/cifar-bp-converged", "last", 0))
    few = "mlp-table/cifar-greedy-passes"
    bp_few = "mlp-table/cifar-bp-passes"
    dense("... with 15 data passes (greedy: 5 of each layer): as accurate as BP", "-", "-1.1 (greedy)", "cifar", "passes", 0.2)
    row("... greedy MF is ahead of BP only with more passes", "-", "3.5 to 4.5 times as many", both && have(few " " bp_few " " bp_most),
        sprintf("MF less BP, in points: %+.2f with 15 passes each; with 135 of MF %+.2f to 45 of BP, %+.2f to 135", mean(few, "last") - mean(bp_few, "last"),
            mean(greedy, "last") - mean(bp, "last"), mean(greedy, "last") - mean(bp_most, "last")), "mlp-table",
        sound(few " " bp_few " " greedy " " bp " " bp_most, only_with_more(few, bp_few, greedy, bp, bp_most)))
}
function claims_on_schedules() {
    row("A pass takes less time than BP's (4 x 1000, two cores)", "shorter", "within 4%", have("schedule/joint schedule/bp schedule/pipelined"),
        sprintf("rows/s: %.0f / %.0f jointly, %.0f pipelined", mean("schedule/bp", "rate"), mean("schedule/joint", "rate"), mean("schedule/pipelined", "rate")),
        "schedule", sound("schedule/joint schedule/bp", quicker("schedule/joint", "schedule/bp")))
    row("Joint and greedy training are as accurate, with as many passes", "-", "-", have("schedule/joint schedule/greedy-equal-passes"),
        "joint " figure("schedule/joint", "last") ", greedy " figure("schedule/greedy-equal-passes", "last") ", 12 passes for each layer " \
        figure("schedule/greedy-12-each", "last"), "schedule",
        as_good("schedule/greedy-equal-passes", "last", "schedule/joint", "last", 0.2))
}
END {
    note_passes()
    if (only == "")
        introduce()
    print "| Claim | Paper | Re-runs | Ours | run.sh | Verdict |"
    print "|---|---|---|---|---|---|"
    claims_on_mnist()
    claims_on_sums()
    claims_on_two_layers()
    claims_on_projections()
    claims_on_depth()
    claims_on_memory()
    claims_on_cifar()
    dense("MNIST, 2 x 1000, each to its own convergence", "98.69 / 98.74", "98.20 / 98.40 (greedy)", "mnist", "converged", 0.2)
    dense("Fashion-MNIST, the same", "90.27 / 90.52", "89.41 / 89.42 (greedy)", "fashion", "converged", 0.2)
    dense("CIFAR-100, 3 x 2000, 15 data passes (greedy: 5 of each layer): better than BP", "27.64 / 29.05", "32.90 / 37.94 (greedy)", "fine", "passes", 0)
    versus("cnn-table", "mnist", "MNIST, convolutions, flattened heads: as accurate as BP", "99.52 / 99.58", "cnn-table/mnist-mf-flat", 0, 0.2)
    versus_sum("mnist", 0.2)
    versus("cnn-table", "mnist", "... heads pooled to 4 x 4", "-", "cnn-table/mnist-mf-pooled", 0, 0.2)
    versus("cnn-table", "cifar", "CIFAR-10, convolutions, flattened heads: as accurate as BP", "77.80 / 82.39", "cnn-table/cifar-mf-flat", 0, 0.5)
    versus_sum("cifar", 0.5)
    versus("cnn-table", "cifar", "... heads pooled to 4 x 4", "-", "cnn-table/cifar-mf-pooled", 0, 0.5)
    versus("cnn-table", "fine", "CIFAR-100, convolutions, flattened heads: better than BP", "42.10 / 54.77", "cnn-table/fine-mf-flat", 0, 0)
    versus_sum("fine", 0)
    versus("tabular", "adult", "Adult: as accurate as BP (BP / MF / linear)", "\"comparable\"", "tabular/adult-mf", 1, 0.5)
    versus("tabular", "letter", "Letter", "\"comparable\"", "tabular/letter-mf", 1, 0.5)
    versus("tabular", "wine-quality", "Wine quality", "\"comparable\"", "tabular/wine-quality-mf", 1, 0.5)
    versus("tabular", "optdigits", "Optdigits", "\"comparable\"", "tabular/optdigits-mf", 1, 0.5)
    versus("text", "rt-polarity", "rt-polarity: as accurate as BP (BP / MF / linear)", "\"comparable\"", "text/rt-polarity-mf", 1, 0.5)
    versus("text", "imdb", "IMDb, a subset", "\"comparable\"", "text/imdb-mf", 1, 0.5)
    claims_on_schedules()
    if (only != "")
        exit
    print "\nTables, figures and choices, one page each: [sanity](experiments/sanity.md), [projection](experiments/projection.md),"
    print "[depth](experiments/depth.md), [memory](experiments/memory.md), [mlp-table](experiments/mlp-table.md),"
    print "[cnn-table](experiments/cnn-table.md), [tabular](experiments/tabular.md), [text](experiments/text.md),"
    print "[schedule](experiments/schedule.md)."
}
