# The tables of an experiment: means and deviations over seeds by group, and the choices. Read behind
# statistics.awk. Variables: name.
# SPDX-License-Identifier: MIT
NR == 1 {
    for (i = 1; i <= NF; i++)
        at[$i] = i
    next
}
$at["choice"] == 1 {
    i = ++choice_count
    of[i] = $at["group"]
    rate[i] = $at["learning_rate"]
    choices[i] = "| " $at["group"] " | " $at["learning_rate"] " | " $at["weight_gain"] " | " $at["passes"] " | " \
        ($at["status"] == "done" ? $at["valid_last"] : "diverged") " | "
    if ($at["status"] == "done" && leads(of[i], $at["valid_last"], $at["valid_loss"]))
        winner[of[i]] = i
    if (!(of[i] in low) || rate[i] < low[of[i]])
        low[of[i]] = rate[i]
    if (rate[i] > high[of[i]])
        high[of[i]] = rate[i]
    next
}
$at["measure"] != "accuracy" {
    measures[++measure_count] = "| " $1 " | " $at["network"] " | " $at["parameters"] " | " \
        ($at["peak_bytes"] ? sprintf("%.2f", $at["peak_bytes"] / 1e6) : "-") " | " \
        ($at["step_seconds"] ? sprintf("%.2f", $at["step_seconds"]) : "-") " | " \
        ($at["answer_last_seconds"] ? sprintf("%.3f", 1000 * $at["answer_last_seconds"]) : "-") " | " \
        ($at["answer_sum_seconds"] ? sprintf("%.3f", 1000 * $at["answer_sum_seconds"]) : "-") " |"
    next
}
{
    group = $at["group"]
    if (!(group in runs))
        groups[++group_count] = group
    runs[group]++
    network[group] = $at["network"]
    data[group] = $at["data"]
    chosen[group] = $at["learning_rate"] " / " $at["weight_gain"]
    if ($at["status"] != "done") {
        diverged[group]++
        next
    }
    note(group, "passes", $at["passes"])
    note(group, "best", $at["best_pass"])
    note(group, "last", $at["test_last"])
    note(group, "sum", $at["test_sum"])
    note(group, "seconds", $at["seconds"])
    count = split($at["test_layers"], layer, ";")
    losses = split($at["train_losses"], loss, ";")
    for (i = 1; i <= count; i++)
        note(group, "layer" i, layer[i])
    for (i = 1; i <= losses; i++)
        note(group, "loss" i, loss[i])
    layers[group] = count
}
function mark(i) {
    return (winner[of[i]] != i) ? "" : (rate[i] == low[of[i]] || rate[i] == high[of[i]]) ? "yes, at an end of the grid" : "yes"
}
function short(text,    parts) {
    return (length(text) > 40) ? substr(text, 1, 12) "... (" split(text, parts, "-") " layers)" : text
}
function list(group, key, format,    i, text) {
    for (i = 1; i <= layers[group]; i++)
        text = text ((i > 1) ? " " : "") sprintf(format, mean(group, key i))
    return text
}
END {
    print "Made from [" name ".csv](" name ".csv) by `sh examples/studies/experiments/run.sh " name "`; what the figures mean and how"
    print "they were come by is in [experiments.md](../../experiments.md). ± is the deviation over seeds.\n"
    if (group_count) {
        print "Test accuracies in percent; passes, and after which of them the network that was kept stood; seconds of"
        print "learning, and those of a pass, which compare only where nothing ran beside (see experiments.md).\n"
        print "| group | data | layers | rate / gain | seeds | passes | kept | LAST | SUM | seconds | s/pass |"
        print "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
        for (i = 1; i <= group_count; i++) {
            group = groups[i]
            printf "| %s | %s | %s | %s | %d%s | %.1f | %.1f | %s | %s | %.0f | %.2f |\n", group, data[group],
                short(network[group]),
                chosen[group], runs[group], (diverged[group] ? " (" diverged[group] " diverged)" : ""), mean(group, "passes"),
                mean(group, "best"), with_deviation(group, "last", ""), with_deviation(group, "sum", ""),
                mean(group, "seconds"), mean(group, "seconds") / max(mean(group, "passes"), 1)
        }
        print "\nBy layer: test accuracies, and training losses of the pass at which a layer stopped (guessing among m classes: ln m; ln 10 is 2.303).\n"
        print "| group | accuracies | losses |"
        print "|---|---|---|"
        for (i = 1; i <= group_count; i++)
            if (layers[groups[i]] > 1)
                printf "| %s | %s | %s |\n", groups[i], list(groups[i], "layer", "%.2f"), list(groups[i], "loss", "%.3f")
    }
    if (measure_count) {
        print "\nMeasurements: peak bytes of all that training holds (MB = 10^6), the time of that step, one answer; times compare only where nothing ran beside.\n"
        print "| run | layers | parameters | MB | step, s | LAST, ms | SUM, ms |"
        print "|---|---|---:|---:|---:|---:|---:|"
        for (i = 1; i <= measure_count; i++)
            print measures[i]
    }
    if (choice_count) {
        print "\nChoices, by validation accuracy alone:\n"
        print "| group | learning rate | scale of weights | passes | validation accuracy | chosen |"
        print "|---|---:|---:|---:|---:|---|"
        for (i = 1; i <= choice_count; i++)
            print choices[i] mark(i) " |"
    }
}
