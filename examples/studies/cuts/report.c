/* What a run prints and draws. SPDX-License-Identifier: MIT */
#include "run.h"

#include "curves.h"
#include "parameters.h"
#include "settings.h"
#include "threads.h"

#include <math.h>
#include <stdio.h>

static const char *part_name(enum source_part part)
{
    static const char *const names[PARTS] = {"train", "valid", "test"};
    return names[part];
}

static void print_data(const struct run *run)
{
    const struct source *source = &run->source;
    const char *what = source->text ? "pieces" : "images";
    printf("data      %s: %zu %s to learn from, %zu to validate with, %zu to test with", source->name,
           source->rows[PART_TRAIN], what, source->rows[PART_VALIDATION], source->rows[PART_TEST]);
    if (source->text)
        printf("; a piece has %zu bytes", source->positions);
    else
        printf("; %zu classes%s", source->classes,
               run->settings.augment ? ", windows moved by up to 4 pixels and mirrored at random" : "");
    printf("\n");
}

static void print_network(const struct run *run)
{
    const struct model *model = &run->model;
    struct parameter_counts counts = {0};
    parameters_count(model->layers, model->layer_count, &counts);
    printf("network   width %zu, cut %s: %zu layer%s, %zu parameters%s\n", run->settings.width,
           run->study->cuts[run->settings.cut], model->layer_count, model->layer_count == 1 ? "" : "s",
           counts.all,
           settings_whole(run->study, &run->settings) ? "; backpropagation through all of it" : "");
    printf("memory    %.1f MB for training with batches of %zu, %.1f MB with %d\n",
           (double)model->memory / 1e6, run->settings.batch, (double)model->memory_large / 1e6, LARGE_BATCH);
}

void report_header(const struct run *run)
{
    const struct settings *settings = &run->settings;
    print_data(run);
    print_network(run);
    printf("training  adamw, learning rate %g cosine, warm-up %g, weight decay %g, batch %zu, seed %llu\n",
           settings->learning_rate, settings->warmup, settings->weight_decay, settings->batch,
           (unsigned long long)settings->seed);
    threads_report(settings->workers > 0 ? settings->workers : settings->threads, "float32");
    if (settings->epochs > 0)
        printf("\n%5s %8s  %s of the %s part\n%5s %8s %8s %8s %8s %6s %8s %8s\n", "", "loss of",
               run->source.text ? "perplexity" : "accuracy, %", part_name(run_watched(run)), "epoch",
               "the last", "LAST", "SUM", "BEST", "layer", "seconds", "rows/s");
    fflush(stdout);
}

void report_epoch(const struct run *run, size_t number, const struct epoch *epoch)
{
    const int decimals = run->source.text ? 4 : 2;
    size_t best = run_best(run, epoch);
    printf("%5zu", number);
    epoch_print(8, 4, epoch->loss[epoch->depth - 1]);
    epoch_print(8, decimals, epoch->last);
    epoch_print(8, decimals, epoch->sum);
    epoch_print(8, decimals, epoch->accuracy[best]);
    printf(" %6zu", best + 1);
    epoch_print(8, 1, epoch->seconds);
    epoch_print(8, 0, epoch->samples_per_second);
    printf("\n");
    fflush(stdout);
}

bool report_plot(const struct run *run)
{
    char title[120];
    if (run->settings.plot == NULL)
        return true;
    snprintf(title, sizeof title, "%s, cut %s, width %zu, %s", run->study->name,
             run->study->cuts[run->settings.cut], run->settings.width, run->source.name);
    return curves_draw(run->settings.plot, title,
                       run->source.text ? "perplexity of the next byte" : "accuracy, %", &run->state.history,
                       run->model.layer_count);
}

void report_options(const struct run *run, char text[OPTIONS_TEXT])
{
    const struct settings *s = &run->settings;
    int used = snprintf(text, OPTIONS_TEXT,
                        "data=%s rows=%zu width=%zu batch=%zu learning_rate=%g warmup=%g weight_decay=%g "
                        "seed=%llu",
                        run->source.name, run->source.rows[PART_TRAIN], s->width, s->batch, s->learning_rate,
                        s->warmup, s->weight_decay, (unsigned long long)s->seed);
    if (s->blocks > 0)
        used += snprintf(text + used, OPTIONS_TEXT - (size_t)used, " blocks=%zu", s->blocks);
    if (run->study->head_help != NULL)
        used += snprintf(text + used, OPTIONS_TEXT - (size_t)used, " head=%zu", s->head);
    if (run->study->maps)
        used += snprintf(text + used, OPTIONS_TEXT - (size_t)used, " head_conv=%d", s->head_conv);
    if (run->source.text)
        snprintf(text + used, OPTIONS_TEXT - (size_t)used, " length=%zu", s->length);
}

static void print_scores(const struct run *run, const char *prefix, const struct epoch *epoch)
{
    const int decimals = run->source.text ? 4 : 2;
    printf(" %slast=%.*f %ssum=%.*f %sbest=%.*f", prefix, decimals, epoch->last, prefix, decimals, epoch->sum,
           prefix, decimals, epoch->accuracy[run_best(run, epoch)]);
}

void report_result(const struct run *run, const struct epoch *test, const struct epoch *validation,
                   uint64_t params_hash)
{
    char options[OPTIONS_TEXT];
    const struct model *model = &run->model;
    const double learned = (double)run->source.rows[PART_TRAIN] * (double)run->state.history.count;
    report_options(run, options);
    printf("\nresult example=%s cut=%s epochs=%zu", run->study->name, run->study->cuts[run->settings.cut],
           run->state.history.count);
    if (test != NULL)
        print_scores(run, "", test);
    printf(" seconds=%.1f processor_seconds=%.1f memory=%zu memory_%d=%zu held=%zu layers=%zu",
           run_seconds(run), run->state.elapsed, model->memory, LARGE_BATCH, model->memory_large, model->held,
           model->layer_count);
    if (validation != NULL)
        print_scores(run, "valid_", validation);
    for (size_t i = 0; test != NULL && i < test->depth; i++)
        printf(" layer%zu=%.*f", i + 1, run->source.text ? 4 : 2, test->accuracy[i]);
    for (size_t i = 0; validation != NULL && i < validation->depth; i++)
        printf(" valid_layer%zu=%.*f", i + 1, run->source.text ? 4 : 2, validation->accuracy[i]);
    if (learned > 0)
        printf(" rows_per_second=%.1f", learned / run_seconds(run));
    printf(" %s workers=%zu threads=%zu params_hash=%016llx\n", options, run->settings.workers,
           run->settings.threads, (unsigned long long)params_hash);
}
