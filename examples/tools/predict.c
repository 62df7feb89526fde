/* predict: the answers of a saved network to the images of an IDX file. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "complain.h"
#include "digits.h"
#include "idx.h"
#include "notes.h"
#include "options.h"
#include "thumbnails.h"

#include "monoforward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 100, MOST_CLASSES = 256, LONGEST_NAME = 200 };
enum { DRAWN_IMAGES = 1000, DRAWN_SEED = 20261128 }; /* other digits than those that `mnist` learns from */

static const char *const mode_names[] = {[MF_PREDICT_LAST] = "last", [MF_PREDICT_SUM] = "sum", NULL};

/* All that a run holds; zeroed, it can be freed at any point. */
struct run {
    const char *model, *images, *labels;
    int32_t mode;
    bool probabilities;
    size_t pictures;
    mf_network *network;
    mf_workspace *workspace;
    size_t inputs, classes;
    struct image_set set;
    uint8_t *x;     /* [BATCH, inputs] */
    float *shares;  /* [BATCH, classes] */
    int32_t *found; /* [BATCH] */
    size_t right;
};

static enum options_outcome read_settings(struct run *run, int argc, char **argv)
{
    const struct option_rule rules[] = {
        option_operand("MODEL", "model file of a network that reads images, as `mnist --save` writes it",
                       &run->model),
        option_operand(
            "IMAGES",
            "IDX file of images, gzipped or not; `drawn`: digits drawn here, as `mnist` does without data",
            &run->images),
        option_choice("mode", "what the network answers by: its last layer, or the sum of all (last)",
                      &run->mode, mode_names),
        option_flag("probabilities", "behind each answer the probability of every class",
                    &run->probabilities),
        option_text("labels", "FILE",
                    "IDX file of the right answers: the result line tells how many are right", &run->labels),
        option_count("pictures", "instead, draw the first N images with their answers (0)", &run->pictures, 0,
                     1e6),
    };
    return options_read(
        argc, argv,
        "Prints one answer a line: the name of the class, where the model has names. How pixels\n"
        "become inputs is in the model as well. The result line goes to stderr.",
        rules, sizeof rules / sizeof rules[0]);
}

static bool open_network(struct run *run)
{
    mf_shape goodness = {.struct_size = sizeof goodness};
    mf_layer_spec spec = {.struct_size = sizeof spec};
    mf_layer *first = NULL;
    size_t layers = 0;
    if (mf_network_load(NULL, run->model, &run->network) != MF_STATUS_OK)
        return complain("cannot load %s: %s", run->model, mf_last_message());
    if (!library_ok(mf_network_size(run->network, &layers)))
        return false;
    if (layers == 0)
        return complain("the network in %s has no layers", run->model);
    if (!library_ok(mf_network_layer(run->network, 0, &first, NULL)) ||
        !library_ok(mf_layer_goodness_shape(first, &goodness)) ||
        !library_ok(mf_layer_describe(first, &spec)))
        return false;
    if (goodness.rank != 1)
        return complain("the network in %s answers for each of %zu positions, not once for an image",
                        run->model, goodness.dims[0]);
    run->inputs = spec.inputs;
    run->classes = spec.classes;
    return notes_take_scaling(run->network);
}

static bool open_images(struct run *run)
{
    bool drawn = strcmp(run->images, "drawn") == 0;
    if (drawn ? !digits_draw(&run->set, DRAWN_IMAGES, DRAWN_SEED) : !idx_load_images(run->images, &run->set))
        return false;
    if (run->set.rows * run->set.columns != run->inputs)
        return complain("%s has images of %zu x %zu pixels, the network reads %zu inputs", run->images,
                        run->set.rows, run->set.columns, run->inputs);
    if (drawn || run->labels == NULL)
        return !drawn || run->labels == NULL || complain("--labels is for a file of images");
    if (run->classes > MOST_CLASSES)
        return complain("labels are bytes, the network has %zu classes", run->classes);
    return idx_load_labels(run->labels, (int)run->classes, &run->set);
}

static bool open_batch(struct run *run)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.purpose = MF_WORKSPACE_INFERENCE + MF_WORKSPACE_CONVERT;
    spec.network = run->network;
    spec.max_batch = BATCH;
    if (!library_ok(mf_workspace_create(&spec, &run->workspace)))
        return false;
    run->x = calloc(BATCH, run->inputs * sizeof *run->x);
    run->shares = calloc(BATCH, run->classes * sizeof *run->shares);
    run->found = calloc(BATCH, sizeof *run->found);
    return (run->x != NULL && run->shares != NULL && run->found != NULL) ||
           complain("no memory for a batch of %d images", BATCH);
}

static bool answer(struct run *run, size_t first, size_t rows)
{
    mf_batch batch;
    if (!library_ok(mf_batch_init(&batch, sizeof batch)))
        return false;
    batch.rows = rows;
    batch.inputs = run->x;
    batch.input_type = MF_TYPE_UINT8;
    batch.input_scale = 1; /* the network scales pixels by itself */
    for (size_t i = 0; i < rows; i++)
        memcpy(run->x + i * run->inputs, image_pixels(&run->set, first + i), run->inputs);
    if (!library_ok(
            mf_network_infer(run->network, run->workspace, run->mode, &batch, run->found, NULL, run->shares)))
        return false;
    for (size_t i = 0; run->set.labels != NULL && i < rows; i++)
        run->right += run->found[i] == run->set.labels[first + i];
    return true;
}

static void print_name(const struct run *run, int32_t label)
{
    char room[16];
    int length = 0;
    const char *name = notes_class(run->network, label, room, &length);
    notes_print(stdout, name, (size_t)length, LONGEST_NAME);
}

static void print_answers(const struct run *run, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        print_name(run, run->found[i]);
        for (size_t c = 0; run->probabilities && c < run->classes; c++)
            printf("\t%.6f", (double)run->shares[i * run->classes + c]);
        putchar('\n');
    }
}

/* A name that is plain and short enough; otherwise the number of the class. */
static void caption_of(const struct run *run, size_t image, size_t row, char caption[CAPTION])
{
    char room[16];
    int length = 0, most = CAPTION / 2 - 2;
    const char *name = notes_class(run->network, run->found[row], room, &length);
    for (int i = 0; i < length && i < most; i++)
        caption[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    if (length > most)
        length = most;
    if (run->set.labels != NULL && run->set.labels[image] != run->found[row])
        snprintf(caption + length, CAPTION - (size_t)length, ", not %d", run->set.labels[image]);
    else
        caption[length] = '\0';
}

static void print_pictures(const struct run *run, size_t first, size_t rows)
{
    char captions[THUMBNAILS_IN_A_ROW][CAPTION];
    for (size_t i = 0; i < rows && first + i < run->pictures; i += THUMBNAILS_IN_A_ROW) {
        size_t count = 0;
        for (; count < THUMBNAILS_IN_A_ROW && i + count < rows && first + i + count < run->pictures; count++)
            caption_of(run, first + i + count, i + count, captions[count]);
        thumbnails_print(stdout, &run->set, first + i, count, (const char(*)[CAPTION])captions);
    }
}

static bool run_all(struct run *run)
{
    if (!open_network(run) || !open_images(run) || !open_batch(run))
        return false;
    for (size_t first = 0; first < run->set.count; first += BATCH) {
        size_t left = run->set.count - first, rows = left < BATCH ? left : BATCH;
        if (!answer(run, first, rows))
            return false;
        if (run->pictures > 0)
            print_pictures(run, first, rows);
        else
            print_answers(run, rows);
    }
    if (!output_arrived())
        return false;
    fprintf(stderr, "result example=predict images=%zu mode=%s", run->set.count, mode_names[run->mode]);
    if (run->set.labels != NULL)
        fprintf(stderr, " accuracy=%.2f", 100 * (double)run->right / (double)run->set.count);
    fputc('\n', stderr);
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    enum options_outcome outcome = read_settings(&run, argc, argv);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    bool good = run_all(&run);
    mf_workspace_free(run.workspace);
    mf_network_free(run.network);
    image_set_free(&run.set);
    free(run.x);
    free(run.shares);
    free(run.found);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
