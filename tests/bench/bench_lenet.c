/* LeNet-5 on MNIST: ours by Mono-Forward, PyTorch's by backpropagation, both with Adam.
 *
 * The network is SimpleChains.jl's: convolutions of 6 and 16 filters, 5x5 without padding, each with ReLU and
 * a 2x2 maximum pooling, then dense layers of 120 and 84 with ReLU, and 10 classes. Ours are four layers with
 * a projection each; the last projection stands for the last layer. With one thread they learn one after the
 * other; with more in a pipeline, by a pool of so many threads.
 *
 * Both train in turns, an epoch each. Printed are the seconds of all epochs, the accuracy on the test images
 * at their end, and vs_torch, the median over the epochs of PyTorch's seconds / ours. Time to read the data
 * and to judge the network does not count; shuffling and gathering batches does, on both sides. PyTorch tries
 * its own number of threads and both orders of maps (torch_lenet.py). It is looked for in python3 and
 * /usr/bin/python3; --python=none leaves it out.
 *
 * Without MNIST, digits are drawn, which a line says. --quick: 4000 images, 1 epoch. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "datasets.h"
#include "support.h"
#include "training.h"

enum { LENET_LAYERS = 4, TEST_ROWS = 1000, TUNING_STEPS = 40, MOST_EPOCHS = 1000 };
enum { QUICK_TRAIN = 4000, QUICK_TEST = 1000 };

typedef struct options {
    const char *python; /* NULL without PyTorch */
    const char *batch_text, *rate_text;
    size_t epochs, batch;
    uint64_t seed;
} options;

typedef struct learner {
    const struct dataset *set;
    mf_network *network;
    mf_pool *pool; /* NULL with one thread */
    struct training training;
    struct random_stream stream;
    uint32_t *order; /* of the training images */
    size_t batch;
    float *x;
    int32_t *y;
} learner;

/* ---- ours ---- */

static mf_layer_spec spec_at(const struct dataset *set, size_t position)
{
    static const size_t sizes[LENET_LAYERS] = {6, 16, 120, 84};
    mf_layer_spec spec;
    must(mf_layer_spec_init(&spec, sizeof spec));
    if (position < 2) {
        spec.kind = MF_LAYER_CONV2D;
        spec.filters = sizes[position];
        spec.kernel[0] = spec.kernel[1] = 5;
        spec.pool = MF_POOL_MAX;
    } else {
        spec.outputs = sizes[position];
    }
    spec.classes = set->classes;
    if (position == 0) {
        spec.channels = set->channels;
        spec.height = set->height;
        spec.width = set->width;
    } else {
        mf_layer_spec before = spec_at(set, position - 1);
        must(mf_layer_spec_follow(&spec, &before));
    }
    return spec;
}

static mf_network *make_lenet(const struct dataset *set, float rate, uint64_t seed)
{
    mf_optimizer_spec adam = spec_of_optimizer("adam");
    mf_optimizer *optimizer;
    mf_network *network;
    adam.learning_rate = rate;
    must(mf_optimizer_create(&adam, &optimizer));
    must(mf_network_create(NULL, &network));
    for (size_t i = 0; i < LENET_LAYERS; i++) {
        mf_layer_spec spec = spec_at(set, i);
        mf_layer *layer;
        spec.seed = random_derive(seed, i);
        must(mf_layer_create(&spec, &layer));
        must(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    must(mf_network_set_optimizer(network, optimizer));
    mf_optimizer_free(optimizer);
    return network;
}

static learner make_learner(const struct dataset *set, const options *o, int threads)
{
    size_t rows = o->batch > TEST_ROWS ? o->batch : TEST_ROWS;
    learner l = {.set = set, .batch = o->batch, .stream = {random_derive(o->seed, LENET_LAYERS)}};
    l.network = make_lenet(set, strtof(o->rate_text, NULL), o->seed);
    l.pool = make_pool((unsigned)threads);
    if (!training_open(&l.training, l.network, threads > 1 ? (size_t)threads : 0, l.pool, o->batch, NULL))
        exit(1);
    l.order = malloc(set->train.count * sizeof *l.order);
    l.x = make_inputs(rows * set->features);
    l.y = make_labels(rows);
    if (!l.order)
        give_up("no memory for", "the order of the images");
    for (size_t i = 0; i < set->train.count; i++)
        l.order[i] = (uint32_t)i;
    return l;
}

static void free_learner(learner *l)
{
    training_close(&l->training);
    mf_network_free(l->network);
    mf_pool_free(l->pool);
    free(l->order);
    free(l->x);
    free(l->y);
}

static double train_epoch(learner *l)
{
    const struct dataset_part *part = &l->set->train;
    double start = seconds_now();
    random_shuffle(&l->stream, l->order, part->count);
    for (size_t first = 0; first < part->count; first += l->batch) {
        size_t rows = part->count - first < l->batch ? part->count - first : l->batch;
        dataset_gather(l->set, part, l->order, first, rows, CHANGE_NONE, NULL, l->x, l->y);
        must(training_step(&l->training, rows, l->x, l->y));
    }
    must(training_finish(&l->training, NULL));
    return seconds_now() - start;
}

/* Of the last layer, on the test images. Training is over. */
static double accuracy(learner *l)
{
    const struct dataset_part *part = &l->set->test;
    int32_t predicted[TEST_ROWS];
    size_t correct = 0;
    training_close(&l->training);
    mf_workspace *workspace = make_workspace(l->network, TEST_ROWS, NULL, NULL);
    for (size_t first = 0; first < part->count; first += TEST_ROWS) {
        size_t rows = part->count - first < TEST_ROWS ? part->count - first : TEST_ROWS;
        dataset_gather(l->set, part, NULL, first, rows, CHANGE_NONE, NULL, l->x, l->y);
        must(mf_network_predict(l->network, workspace, MF_PREDICT_LAST, rows, l->x, predicted));
        for (size_t i = 0; i < rows; i++)
            correct += predicted[i] == l->y[i];
    }
    mf_workspace_free(workspace);
    return (double)correct / (double)part->count;
}

/* ---- PyTorch's ---- */

static void write_all(int file, const void *bytes, size_t count)
{
    for (const char *at = bytes; count > 0;) {
        ssize_t written = write(file, at, count);
        if (written <= 0)
            give_up("cannot write", "the images for PyTorch");
        at += written;
        count -= (size_t)written;
    }
}

/* The images as torch_lenet.py reads them. */
static void write_data(const struct dataset *set, char path[CHILD_TEXT])
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, CHILD_TEXT, "%.400s/bench_lenet_XXXXXX", folder && *folder ? folder : "/tmp");
    int file = mkstemp(path);
    if (file < 0)
        give_up("cannot write", path);
    write_all(file, set->train.bytes, set->train.count * set->features);
    write_all(file, set->test.bytes, set->test.count * set->features);
    write_all(file, set->train.labels, set->train.count * sizeof *set->train.labels);
    write_all(file, set->test.labels, set->test.count * sizeof *set->test.labels);
    close(file);
}

/* Writes what it has chosen to `setting`. */
static child start_torch(const struct dataset *set, const options *o, int threads, char setting[CHILD_TEXT])
{
    char path[CHILD_TEXT], text[5][32];
    write_data(set, path);
    snprintf(text[0], sizeof *text, "%zu", set->train.count);
    snprintf(text[1], sizeof *text, "%zu", set->test.count);
    snprintf(text[2], sizeof *text, "%.9g", set->mean[0]);
    snprintf(text[3], sizeof *text, "%.9g", set->deviation[0]);
    snprintf(text[4], sizeof *text, "%d", threads);
    const char *const command[] = {o->python,    BENCH_FOLDER "/torch_lenet.py",
                                   path,         text[0],
                                   text[1],      text[2],
                                   text[3],      o->batch_text,
                                   o->rate_text, text[4],
                                   NULL};
    child torch = start_child(command, text[4]);
    tell(&torch, "tune", TUNING_STEPS);
    hear(&torch, setting);
    unlink(path);
    return torch;
}

/* ---- the race ---- */

static double sum(const double *values, size_t count)
{
    double all = 0.0;
    for (size_t i = 0; i < count; i++)
        all += values[i];
    return all;
}

static void print_torch(child *torch, const char *setting, const double *ours, const double *theirs,
                        size_t epochs)
{
    double ratios[MOST_EPOCHS];
    char answer[CHILD_TEXT];
    tell(torch, "accuracy", 0);
    hear(torch, answer);
    for (size_t i = 0; i < epochs; i++)
        ratios[i] = theirs[i] / ours[i];
    printf(" torch_seconds=%.3f torch_accuracy=%.4f vs_torch=%.2f torch_threads=%s", sum(theirs, epochs),
           strtod(answer, NULL), median(ratios, epochs), setting);
}

static void measure(const struct dataset *set, const options *o, int threads)
{
    static double ours[MOST_EPOCHS], theirs[MOST_EPOCHS];
    char setting[CHILD_TEXT];
    learner l = make_learner(set, o, threads);
    child torch = {0};
    if (o->python)
        torch = start_torch(set, o, threads, setting);
    for (size_t epoch = 0; epoch < o->epochs; epoch++) {
        let_threads_sleep();
        ours[epoch] = train_epoch(&l);
        let_threads_sleep();
        if (o->python)
            theirs[epoch] = ask_seconds(&torch, 1);
    }
    printf("result bench=lenet threads=%d seconds=%.3f accuracy=%.4f", threads, sum(ours, o->epochs),
           accuracy(&l));
    if (o->python) {
        print_torch(&torch, setting, ours, theirs, o->epochs);
        end_child(&torch);
    }
    printf(" epochs=%zu batch=%zu learning_rate=%s images=%zu data=%s products=%s\n", o->epochs, o->batch,
           o->rate_text, set->train.count, set->drawn ? "drawn" : set->name, mf_products_name());
    fflush(stdout);
    free_learner(&l);
}

static struct dataset load(const char *folder, int quick, uint64_t seed)
{
    struct dataset set;
    const struct dataset_options wanted = {.folder = folder,
                                           .folder_alone = folder != NULL,
                                           .seed = seed,
                                           .train_limit = quick ? QUICK_TRAIN : 0,
                                           .test_limit = quick ? QUICK_TEST : 0,
                                           .stand_in = folder == NULL};
    if (!dataset_load("mnist", &wanted, &set))
        exit(1);
    if (set.height != 28 || set.width != 28)
        give_up("LeNet-5 reads images of 28 x 28 pixels, not those of", folder);
    printf("# %s%s\n", set.drawn ? "MNIST was not found, so accuracies say little: " : "", set.story);
    return set;
}

static const char OPTIONS[] =
    "[--data=FOLDER] [--threads=1,2] [--epochs=10] [--batch=128] [--learning-rate=0.001]"
    " [--seed=1] [--python=PROGRAM] [--quick]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    int quick = has_flag(count, arguments, "quick");
    options o = {.batch_text = argument(count, arguments, "batch", "128"),
                 .rate_text = argument(count, arguments, "learning-rate", "0.001"),
                 .epochs = strtoul(argument(count, arguments, "epochs", quick ? "1" : "10"), NULL, 10),
                 .seed = strtoul(argument(count, arguments, "seed", "1"), NULL, 10)};
    o.batch = strtoul(o.batch_text, NULL, 10);
    if (o.epochs < 1 || o.epochs > MOST_EPOCHS || o.batch < 1)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    printf("# monoforward %s, products: %s\n", mf_version(), mf_products_name());
    struct dataset set = load(argument(count, arguments, "data", NULL), quick, o.seed);
    fflush(stdout);
    o.python = find_torch(argument(count, arguments, "python", ""));
    char *threads = copy_words(argument(count, arguments, "threads", "1,2"));
    for (char *number, *list = threads; (number = next_word(&list));)
        measure(&set, &o, atoi(number));
    free(threads);
    dataset_free(&set);
    return 0;
}
