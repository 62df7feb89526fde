# The page of the studies of cuts. Input: the result lines of speed.log, then lines "RUN result ...". Writes the points of
# the figure to the file `locality`: convolutions of a layer, LAST, SUM, BEST, MB, processor seconds, speed of two workers.
# SPDX-License-Identifier: MIT
function read_line(    i, equals, value) {
    split("", v)
    for (i = 1; i <= NF; i++)
        if ((equals = index($i, "=")) > 0) {
            value = substr($i, equals + 1)
            v[substr($i, 1, equals - 1)] = value ~ /^[0-9.]+$/ ? value + 0 : value
        }
}

# Adds a value of a group, for mean and deviation over seeds.
function add(group, what, value) {
    n[group, what]++
    s[group, what] += value
    q[group, what] += value * value
}
function mean(group, what) {
    return n[group, what] ? s[group, what] / n[group, what] : "-"
}
function show(group, what, decimals,    count, m, deviation) {
    count = n[group, what]
    if (!count)
        return "-"
    m = s[group, what] / count
    if (count < 2)
        return sprintf("%." decimals "f", m)
    deviation = q[group, what] / count - m * m
    deviation = deviation > 0 ? sqrt(deviation * count / (count - 1)) : 0
    return sprintf("%." decimals "f ± %." decimals "f", m, deviation)
}

function median(list, count,    i, j, t) {
    for (i = 2; i <= count; i++)
        for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
            t = list[j]
            list[j] = list[j - 1]
            list[j - 1] = t
        }
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

BEGIN { cuts = split("conv block stage half none", names, " ") }

FILENAME ~ /speed$/ {
    read_line()
    if (v["workers"] == 0)
        alone = v["rows_per_second"]
    else if (alone > 0)
        ratio[v["cut"], ++ratios[v["cut"]]] = v["rows_per_second"] / alone
    next
}

{
    read_line()
    group = $1
    sub(/-s[0-9]+$/, "", group)
    if (!(group in cut)) {
        cut[group] = v["cut"]
        family[group] = group
        sub("-" v["cut"] "$", "", family[group])
        if (!(family[group] in seen))
            families[++family_count] = family[group]
        seen[family[group]] = 1
        example[group] = v["example"]
        at[family[group], v["cut"]] = group
        layers[group] = v["layers"]
        memory[group] = v["memory_512"]
        what[family[group]] = sprintf("%s, %d rows, width %d%s, batch %d, AdamW %s, weight decay %s, %d pass%s", v["data"],
            v["rows"], v["width"], ("blocks" in v) ? ", " v["blocks"] " blocks" : "", v["batch"], v["learning_rate"],
            v["weight_decay"], v["epochs"], v["epochs"] == 1 ? "" : "es")
        if ("length" in v)
            what[family[group]] = what[family[group]] ", pieces of " v["length"] " bytes"
    }
    runs[group] = runs[group] sprintf("%s[%s](%s.log) [curves](%s.svg)", runs[group] == "" ? "" : ", ", v["seed"], $1, $1)
    add(group, "last", v["last"])
    add(group, "sum", v["sum"])
    add(group, "best", v["best"])
    if (text[group] = ("valid_last" in v))
        add(group, "valid", v["valid_last"])
    add(group, "time", 1000 * v["processor_seconds"] / (v["rows"] * v["epochs"]))
    each = ""
    for (i = 1; i <= v["layers"]; i++)
        each = each (i > 1 ? ", " : "") v["layer" i]
    if (!(group in of_layers))
        of_layers[group] = each
}

function table(f,    i, g, decimals, is_text) {
    printf "\n## %s\n\n%s.\n\n", f, what[f]
    is_text = what[f] ~ /pieces of/
    decimals = is_text ? 3 : 2
    if (is_text)
        print "Perplexity of the next byte of the test part; lower is better.\n"
    print "| cut | layers | LAST | SUM | BEST |" (is_text ? " LAST, validation |" : "") \
        " processor seconds for 1000 rows | memory, batch 512, MB | seed: log, curves |"
    print "|---|---:|---:|---:|---:|" (is_text ? "---:|" : "") "---:|---:|---|"
    for (i = 1; i <= cuts; i++) {
        if (!((f, names[i]) in at))
            continue
        g = at[f, names[i]]
        printf "| %s | %d | %s | %s | %s |", cut[g], layers[g], show(g, "last", decimals), show(g, "sum", decimals),
            show(g, "best", decimals)
        if (is_text)
            printf " %s |", show(g, "valid", decimals)
        printf " %s | %.1f | %s |\n", show(g, "time", 2), memory[g] / 1e6, runs[g]
    }
    print "\nEvery layer's own score, first to last, of the first seed:\n"
    for (i = 1; i <= cuts; i++)
        if ((f, names[i]) in at && layers[at[f, names[i]]] > 1)
            printf "- %s: %s\n", names[i], of_layers[at[f, names[i]]]
}

function judge(claim, figure, holds) {
    printf "| %s | %s | %s |\n", claim, figure, holds ? "holds" : "does not hold"
}

# What the wish was, and what came of it.
function verdicts(    i, f, b, w, gap, whole) {
    print "| Asked | Found | |\n|---|---|---|"
    for (i = 1; i <= family_count; i++) {
        f = families[i]
        # Other heads at the cuts leave the whole network as it is.
        whole = f
        sub(/-head.*/, "", whole)
        if (!((f, "block") in at) || !((whole, "none") in at))
            continue
        b = at[f, "block"]
        w = at[whole, "none"]
        if (text[b]) {
            gap = mean(b, "last") / mean(w, "last")
            judge(f ": blocks have at most 1.20 times the perplexity of BP", sprintf("%.3f times", gap), gap <= 1.2)
        } else {
            gap = mean(w, "last") - mean(b, "last")
            judge(f ": LAST of blocks within " (example[b] == "mixer" ? 2 : 3) " points of BP's",
                sprintf("%.2f points %s", gap < 0 ? -gap : gap, gap < 0 ? "above" : "below"),
                gap <= (example[b] == "mixer" ? 2 : 3))
        }
        if (example[b] == "resnet18")
            judge(f ": blocks take less than half of BP's memory at batch 512", sprintf("%.0f%%", 100 * memory[b] / memory[w]),
                2 * memory[b] < memory[w])
    }
}

# Only where all cuts are there, a figure says where to cut.
function points(f,    i, g, count, j, list, speed) {
    for (i = 1; i <= cuts; i++)
        if (!((f, names[i]) in at))
            return
    for (i = 1; i <= cuts; i++) {
        g = at[f, names[i]]
        speed = "-"
        count = ratios[names[i]]
        for (j = 1; j <= count; j++)
            list[j] = ratio[names[i], j]
        if (count)
            speed = sprintf("%.2f", median(list, count))
        print 2 ^ (i - 1), mean(g, "last"), mean(g, "sum"), mean(g, "best"), memory[g] / 1e6, mean(g, "time"), speed >locality
        row[i] = sprintf("| %d | %s | %d | %s | %.1f | %.2f | %s |", 2 ^ (i - 1), names[i], layers[g], show(g, "last", 2),
            memory[g] / 1e6, mean(g, "time"), speed)
    }
    print "\n## Where to cut\n\nOne network, 1 to 16 of its convolutions of 3 x 3 to a layer: " what[f] ".\n"
    print "| convolutions of a layer | cut | layers | LAST | memory, batch 512, MB | processor seconds for 1000 rows | " \
        "speed of two workers, one = 1 |\n|---:|---|---:|---:|---:|---:|---:|"
    for (i = 1; i <= cuts; i++)
        print row[i]
    print "\n![locality](locality.svg)"
}

END {
    print "# Residual networks, mixers and transformers, trained locally\n"
    print "Made by `sh examples/studies/cuts/run.sh`; [experiments.md](../../experiments.md#residual-blocks-mixers-and-attention)"
    print "tells what was trained and what was cut. A layer learns from its own loss, and gradients stop at its input. `none`"
    print "is the whole network in one layer, with one head: backpropagation (BP) with the same units, optimizer, batches and"
    print "order of rows. Accuracies are percent of the test part after the last pass, ± the deviation over seeds.\n"
    verdicts()
    points("resnet18")
    for (i = 1; i <= family_count; i++)
        table(families[i])
}
