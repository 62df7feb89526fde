/* The readers of data sets on tiny files made here: what they hold comes out, standardised, and what is wrong
 * in them is refused with the place. With $TEST_DATA, also the sizes and classes of real sets.
 * SPDX-License-Identifier: MIT */
#include "datasets.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../support/check.h"

enum { LONGEST = 4096 };

static char root[256], folder[512], said[LONGEST];

/* ---- files ---- */

static void open_folder(const char *name)
{
    snprintf(folder, sizeof folder, "%s/%s", root, name);
    if (mkdir(folder, 0700) != 0)
        assert_int_equal(errno, EEXIST);
}

static void write_bytes(const char *name, const void *bytes, size_t count)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Packed, without its last `cut` bytes. */
static void write_packed(const char *name, const char *text, long cut)
{
    char path[1024];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - cut), 0);
}

static void forget(const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)remove(path);
}

/* ---- loading, with what it says ---- */

static bool load(const char *where, const struct dataset_options *options, struct dataset *set)
{
    char path[512];
    int kept = dup(2), to;

    snprintf(path, sizeof path, "%s/said", root);
    fflush(stderr);
    to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(to >= 0 && kept >= 0 && dup2(to, 2) == 2);
    bool good = dataset_load(where, options, set);
    fflush(stderr);
    ssize_t length = pread(to, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    dup2(kept, 2);
    close(kept);
    close(to);
    return good;
}

static struct dataset loaded(const char *where, const struct dataset_options *options)
{
    struct dataset set;

    if (!load(where, options, &set))
        fail_msg("%s: %s", where, said);
    if (said[0] != '\0')
        fail_msg("%s: it was loaded, but: %s", where, said);
    return set;
}

/* Refused in one line that holds all of the words, which end with NULL. */
static void refused(const char *where, const struct dataset_options *options, const char *const *words)
{
    struct dataset set;

    if (load(where, options, &set))
        fail_msg("%s was loaded, although it should not: %s", where, words[0]);
    assert_null(set.train.labels);
    assert_int_equal(set.train.count, 0);
    if (strchr(said, '\n') != said + strlen(said) - 1)
        fail_msg("not one line: %s", said);
    for (; *words; words++)
        if (!strstr(said, *words))
            fail_msg("expected \"%s\" in: %s", *words, said);
}

#define REFUSED(where, options, ...) refused(where, options, (const char *const[]){__VA_ARGS__, NULL})

static void check_shape(const struct dataset *set, size_t features, size_t classes, size_t train, size_t test)
{
    assert_int_equal(set->features, features);
    assert_int_equal(set->classes, classes);
    assert_int_equal(set->train.count, train);
    assert_int_equal(set->test.count, test);
}

static float *gathered(const struct dataset *set, const struct dataset_part *part, int32_t *labels)
{
    float *rows = calloc(part->count, set->features * sizeof *rows);

    assert_non_null(rows);
    dataset_gather(set, part, NULL, 0, part->count, CHANGE_NONE, NULL, rows, labels);
    return rows;
}

static void near(float got, double expected)
{
    if (!(fabs((double)got - expected) < 1e-5))
        fail_msg("%.8g, expected %.8g", (double)got, expected);
}

/* ---- images ---- */

static void write_idx(const char *part, size_t count, const uint8_t *labels)
{
    uint8_t images[16 + 6 * 64] = {0, 0, 8, 3, 0, 0, 0, (uint8_t)count, 0, 0, 0, 2, 0, 0, 0, 3};
    uint8_t list[8 + 64] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)count};
    char name[64];

    for (size_t i = 0; i < 6 * count; i++)
        images[16 + i] = (uint8_t)(10 * i);
    memcpy(list + 8, labels, count);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
    write_bytes(name, images, 16 + 6 * count);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
    write_bytes(name, list, 8 + count);
}

static void test_idx_files_are_read(void **state)
{
    const uint8_t train[] = {0, 12, 3}, test[] = {12, 1}, high[] = {13, 1};
    const uint8_t fashion[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9},
                  digits[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5};
    struct dataset_options there = {.folder = folder};
    (void)state;
    open_folder("pictures");
    write_idx("train", 3, train);
    write_idx("t10k", 2, test);
    struct dataset set = loaded(folder, NULL);
    int32_t labels[2];

    /* Not by its name, but it is called after it. */
    assert_string_equal(set.name, "pictures");
    check_shape(&set, 6, 13, 3, 2);
    assert_int_equal(set.height, 2);
    assert_int_equal(set.width, 3);
    float *rows = gathered(&set, &set.test, labels);
    assert_int_equal(labels[0], 12);
    assert_int_equal(labels[1], 1);
    /* 0, 10, ..., 170: their variance is 100 (18^2 - 1) / 12. */
    near(rows[1], (10 - 85.0) / sqrt(100 * (18 * 18 - 1) / 12.0));
    free(rows);
    dataset_free(&set);

    set = loaded("fashion-mnist", &there);
    assert_string_equal(set.name, "fashion-mnist");
    dataset_free(&set);
    write_idx("t10k", 2, high);
    REFUSED(folder, NULL, "t10k-labels", "label 0 is 13, not one from 0 to 12");
    write_idx("t10k", 2, test);
    write_bytes("t10k-images-idx3-ubyte", "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3abc", 19);
    REFUSED(folder, NULL, "t10k-images", "truncated");

    /* The files have one name in both: the rows tell which it is. */
    write_idx("t10k", 2, (const uint8_t[]){1, 2});
    write_idx("train", 12, fashion);
    set = loaded(folder, NULL);
    assert_string_equal(set.name, "fashion-mnist");
    dataset_free(&set);
    REFUSED("mnist", &there, folder, "holds fashion-mnist, not mnist");
    write_idx("train", 11, fashion);
    set = loaded("mnist", &there);
    assert_string_equal(set.name, "mnist");
    dataset_free(&set);
    write_idx("train", 12, digits);
    set = loaded("mnist", &there);
    dataset_free(&set);
    REFUSED("fashion-mnist", &there, "holds mnist, not fashion-mnist");
    /* The folder of MNIST's files, by the variable. */
    assert_int_equal(setenv("MONOFORWARD_DATA", folder, 1), 0);
    set = loaded("mnist", NULL);
    check_shape(&set, 6, 10, 12, 2);
    dataset_free(&set);
    assert_int_equal(unsetenv("MONOFORWARD_DATA"), 0);
}

static uint8_t *record_file(size_t count, size_t labels, int first)
{
    size_t size = labels + 3072;
    uint8_t *bytes = calloc(count, size);

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        bytes[i * size] = (uint8_t)(first + (int)i);
        bytes[i * size + labels - 1] = (uint8_t)(first + (labels > 1 ? 40 : 0) + (int)i);
        memset(bytes + i * size + labels, (int)(i + 1), 1024);
        memset(bytes + i * size + labels + 1024, 7, 2047);
        bytes[(i + 1) * size - 1] = (uint8_t)(200 + i);
    }
    return bytes;
}

static void test_cifar10_records_are_read(void **state)
{
    uint8_t *bytes = record_file(2, 1, 4);
    char name[32];
    (void)state;
    open_folder("c10");
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        write_bytes(name, bytes, 2 * 3073);
    }
    write_bytes("test_batch.bin", bytes, 2 * 3073);
    struct dataset set = loaded(folder, NULL);
    assert_string_equal(set.name, "cifar10");
    check_shape(&set, 3072, 10, 10, 2);
    assert_int_equal(set.train.labels[3], 5);
    assert_int_equal(set.train.bytes[3 * 3072 + 3071], 201);
    assert_int_equal(set.train.bytes[2 * 3072], 1);
    dataset_free(&set);
    bytes[3073] = 10;
    write_bytes("data_batch_3.bin", bytes, 2 * 3073);
    REFUSED(folder, NULL, "data_batch_3.bin", "record 1 has the label 10");
    write_bytes("data_batch_3.bin", bytes, 3072);
    REFUSED(folder, NULL, "data_batch_3.bin", "3072 bytes");
    free(bytes);
}

static void test_cifar100_records_are_read(void **state)
{
    uint8_t *bytes = record_file(3, 2, 5);
    struct dataset_options coarse = {.coarse = true}, there = {.folder = folder};
    (void)state;
    open_folder("c100");
    write_bytes("train.bin", bytes, 3 * 3074);
    write_bytes("test.bin", bytes, 2 * 3074);
    struct dataset set = loaded(folder, NULL);
    assert_string_equal(set.name, "cifar100");
    check_shape(&set, 3072, 100, 3, 2);
    assert_int_equal(set.train.labels[2], 47);
    assert_int_equal(set.train.bytes[2 * 3072], 3);
    assert_int_equal(set.train.bytes[3 * 3072 - 1], 202);
    dataset_free(&set);
    coarse.folder = folder;
    set = loaded("cifar100", &coarse);
    check_shape(&set, 3072, 20, 3, 2);
    assert_int_equal(set.train.labels[2], 7);
    assert_int_equal(set.test.labels[1], 6);
    dataset_free(&set);
    bytes[3074] = 20;
    write_bytes("test.bin", bytes, 2 * 3074);
    REFUSED("cifar100", &there, "test.bin", "record 1 has the coarse label 20");
    bytes[3074] = 1;
    bytes[3075] = 100;
    write_bytes("test.bin", bytes, 2 * 3074);
    REFUSED("cifar100", &there, "test.bin", "record 1 has the fine label 100");
    write_bytes("test.bin", bytes, 2 * 3073);
    REFUSED("cifar100", &there, "test.bin", "truncated");
    free(bytes);
}

/* ---- tables ---- */

static void write_adult(const char *name, const char *const rows[][3], size_t count, const char *head)
{
    char text[LONGEST];
    size_t length = (size_t)snprintf(text, sizeof text, "%s", head);

    for (size_t i = 0; i < count; i++)
        length +=
            (size_t)snprintf(text + length, sizeof text - length,
                             "%s, Private, 100, %s, 9, Never-married, Sales, Husband, White, Male, 0, 0, "
                             "40, Cuba, %s\n",
                             rows[i][0], rows[i][1], rows[i][2]);
    snprintf(text + length, sizeof text - length, "\n");
    write_text(name, text);
}

static void test_adult_files_are_read(void **state)
{
    static const char *const train[][3] = {
        {"20", "HS-grad", "<=50K"}, {"40", "?", ">50K"}, {"30", "HS-grad", "<=50K"}};
    static const char *const test[][3] = {{"50", "Masters", ">50K."}, {"30", "?", "<=50K."}};
    static const char *const odd[][3] = {{"50", "?", "50K"}}, *const no_age[][3] = {{"?", "?", ">50K"}};
    int32_t labels[3];
    (void)state;
    open_folder("adults");
    write_adult("adult.data", train, 3, "");
    write_adult("adult.test", test, 2, "|1x3 Cross validator\n");
    struct dataset set = loaded(folder, NULL);
    /* 6 numbers, 7 columns with one category and one with two. */
    check_shape(&set, 15, 2, 3, 2);
    float *rows = gathered(&set, &set.train, labels), root_of = (float)sqrt(200.0 / 3.0);
    assert_int_equal(labels[0], 0);
    assert_int_equal(labels[1], 1);
    near(rows[0], -10 / (double)root_of);
    near(rows[1], 1);
    near(rows[2], 0); /* a column of equal numbers */
    near(rows[3], 1);
    near(rows[4], 0);
    near(rows[15 + 3], 0);
    near(rows[15 + 4], 1); /* "?" */
    free(rows);
    rows = gathered(&set, &set.test, labels);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 0);
    near(rows[0], 20 / (double)root_of); /* by mean and deviation of the training part */
    near(rows[3], 0);                    /* a category that is new */
    near(rows[4], 0);
    near(rows[15 + 4], 1);
    free(rows);
    dataset_free(&set);
    write_adult("adult.test", odd, 1, "");
    REFUSED(folder, NULL, "adult.test", "line 1", "50K");
    write_adult("adult.test", no_age, 1, "\n\n");
    REFUSED(folder, NULL, "adult.test", "line 3", "column 1", "?");
    write_text("adult.test", "1, 2, 3\n");
    REFUSED(folder, NULL, "adult.test", "line 1", "3 columns, not 15");
    write_text("adult.test", "");
    REFUSED(folder, NULL, "adult.test", "no rows");
    write_adult("adult.data", test, 2, "");
    REFUSED(folder, NULL, "adult.data", "line 1", ">50K.");
}

static void test_a_letter_file_is_read(void **state)
{
    char text[LONGEST] = "";
    size_t length = 0;
    (void)state;
    open_folder("letters");
    for (int i = 0; i < 10; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "%c,%d,8,3,5,1,8,13,0,6,6,10,8,0,8,0,8\n", 'Q' + i, i);
    write_packed("letter-recognition.data", text, 0);
    struct dataset set = loaded(folder, NULL);
    int32_t labels[8];
    check_shape(&set, 16, 26, 8, 2);
    float *rows = gathered(&set, &set.train, labels);
    assert_int_equal(labels[2], 18);
    near(rows[2 * 16], (2 - 3.5) / sqrt(63 / 12.0));
    free(rows);
    rows = gathered(&set, &set.test, labels);
    assert_int_equal(labels[1], 25);
    struct dataset_options few = {.train_limit = 3, .test_limit = 1};
    struct dataset limited = loaded(folder, &few);
    check_shape(&limited, 16, 26, 3, 1);
    /* Its standardisation is that of all training rows. */
    assert_memory_equal(limited.train.values, set.train.values, 3 * 16 * sizeof(float));
    dataset_free(&limited);
    near(rows[16], (9 - 3.5) / sqrt(63 / 12.0));
    free(rows);
    dataset_free(&set);
    write_packed("letter-recognition.data", text, 6);
    REFUSED(folder, NULL, "letter-recognition.data.gz", "truncated");
    forget("letter-recognition.data.gz");
    write_text("letter-recognition.data", "a,2,8,3,5,1,8,13,0,6,6,10,8,0,8,0,8\n");
    REFUSED(folder, NULL, "line 1", "not a letter");
    write_text("letter-recognition.data", "\r\nA,2,8,3,5,1,8,13,0,6,6,16,8,0,8,0,8\r\n");
    REFUSED(folder, NULL, "line 2", "column 12");
    write_text("letter-recognition.data", "A,2,8,3\n");
    REFUSED(folder, NULL, "line 1", "4 columns, not 17");
    write_bytes("letter-recognition.data", "A,\0,8", 5);
    REFUSED(folder, NULL, "line 1", "zero byte");
    write_text("letter-recognition.data", "A,2,8,3,5,1,8,13,0,6,6,1,8,0,8,0,8\n");
    REFUSED(folder, NULL, "too few");
}

static void write_wines(const char *name, int count, int best)
{
    char text[LONGEST];
    size_t length = 0;

    for (int i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "%d.5,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,%d\n", i, best - i % 3);
    write_text(name, text);
}

static void test_wine_files_are_read(void **state)
{
    struct dataset_options one = {.folder = folder, .seed = 1}, other = {.folder = folder, .seed = 2};
    (void)state;
    open_folder("wines");
    write_wines("winequality-red.csv", 20, 7);
    struct dataset set = loaded(folder, &one), again, another;
    assert_string_equal(set.name, "wine-red");
    check_shape(&set, 11, 3, 16, 4);
    again = loaded("wine-red", &one);
    another = loaded("wine-red", &other);
    assert_memory_equal(set.test.values, again.test.values, 4 * 11 * sizeof(float));
    assert_memory_not_equal(set.test.values, another.test.values, 4 * 11 * sizeof(float));
    dataset_free(&set);
    dataset_free(&again);
    dataset_free(&another);
    write_wines("winequality-white.csv", 30, 8);
    REFUSED(folder, &one, "several", "wine-red, wine-white, wine-quality");
    set = loaded("wine-quality", &one);
    check_shape(&set, 12, 4, 40, 10);
    size_t white = 0;
    for (size_t i = 0; i < 40; i++) {
        assert_true(set.train.values[12 * i + 11] == 0 || set.train.values[12 * i + 11] == 1);
        white += set.train.values[12 * i + 11] == 1;
    }
    for (size_t i = 0; i < 10; i++)
        white += set.test.values[12 * i + 11] == 1;
    assert_int_equal(white, 30);
    dataset_free(&set);
    write_text("winequality-red.csv", "7.4,nan,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5\n");
    REFUSED("wine-red", &one, "winequality-red.csv", "line 1", "column 2", "nan");
    write_text("winequality-red.csv", "7.4,1,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5.5\n");
    REFUSED("wine-red", &one, "line 1", "quality", "5.5");
    write_text("winequality-red.csv", "7.4;1;0\n");
    REFUSED("wine-red", &one, "line 1", "1 columns, not 12");
}

static void test_optdigits_files_are_read(void **state)
{
    char text[LONGEST] = "";
    size_t length = 0;
    (void)state;
    open_folder("opt");
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 64; j++)
            length += (size_t)snprintf(text + length, sizeof text - length, "%d,", (i + j) % 17);
        length += (size_t)snprintf(text + length, sizeof text - length, "%d\n", 7 + i);
    }
    write_text("optdigits.tra", text);
    write_text("optdigits.tes", text);
    struct dataset set = loaded(folder, NULL);
    check_shape(&set, 64, 10, 3, 3);
    assert_int_equal(set.channels, 1);
    assert_int_equal(set.train.labels[2], 9);
    assert_int_equal(set.train.bytes[65], 2);
    dataset_free(&set);
    text[strlen(text) - 2] = 'x';
    write_text("optdigits.tes", text);
    REFUSED(folder, NULL, "optdigits.tes", "line 3", "digit");
    text[0] = '9', text[1] = '9';
    write_text("optdigits.tes", text);
    REFUSED(folder, NULL, "optdigits.tes", "line 1", "64 values, not 65");
}

/* ---- texts ---- */

/* Two rows are the same bag? */
static int same_rows(const struct dataset_part *part, size_t a, size_t b)
{
    const struct sparse_rows *rows = &part->sparse;
    size_t size = rows->starts[a + 1] - rows->starts[a];

    return rows->starts[b + 1] - rows->starts[b] == size &&
           memcmp(rows->columns + rows->starts[a], rows->columns + rows->starts[b],
                  size * sizeof *rows->columns) == 0 &&
           memcmp(rows->values + rows->starts[a], rows->values + rows->starts[b],
                  size * sizeof *rows->values) == 0;
}

static void test_reviews_are_read(void **state)
{
    struct dataset_options small = {.columns = 1024}, odd = {.columns = 1000};
    (void)state;
    open_folder("films");
    write_packed("train_subset10000.tsv",
                 "1\t9\t0\tGood film, good end\n0\t2\t1\tBad <br /><br />film\n1\t10\t2\tbad FILM!\n"
                 "0\t1\t3\tfilm bad\n",
                 0);
    write_text("test_subset5000.tsv", "1\t7\t5\tfilm\n0\t4\t6\t...\n");
    struct dataset set = loaded(folder, &small);
    int32_t labels[4];
    check_shape(&set, 1024, 2, 4, 2);
    /* good, film, end; good film, film good, good end */
    assert_int_equal(set.train.sparse.starts[1], 6);
    assert_true(same_rows(&set.train, 1, 2));  /* case, marks and punctuation do not count */
    assert_false(same_rows(&set.train, 1, 3)); /* the order of words does */
    float *rows = gathered(&set, &set.train, labels);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 0);
    for (size_t i = 0; i < 4; i++) {
        double squares = 0;
        for (size_t j = 0; j < 1024; j++)
            squares += (double)rows[1024 * i + j] * (double)rows[1024 * i + j];
        near((float)(squares / 1024), 1);
    }
    /* In "bad film", bad is rarer than film, and the pair as rare as can be: 3, 4 and 2 of 4 rows have them.
     */
    double weight[3] = {1 + log(5.0 / 4), 1, 1 + log(5.0 / 3)}, sum = 0;
    for (int i = 0; i < 3; i++)
        sum += weight[i] * weight[i];
    const struct sparse_rows *sparse = &set.train.sparse;
    assert_int_equal(sparse->starts[2] - sparse->starts[1], 3);
    for (int i = 0; i < 3; i++) {
        int found = 0;
        for (size_t at = sparse->starts[1]; at < sparse->starts[2]; at++)
            found += fabs((double)sparse->values[at] - weight[i] * sqrt(1024 / sum)) < 1e-3;
        assert_int_equal(found, 1);
    }
    free(rows);
    rows = gathered(&set, &set.test, NULL);
    for (size_t j = 0; j < 1024; j++)
        near(rows[1024 + j], 0); /* no words */
    free(rows);
    dataset_free(&set);
    REFUSED(folder, &odd, "1000 columns");
    write_text("test_subset5000.tsv", "1\t7\t5\tfilm\n1\t4\t6\tx\n");
    REFUSED(folder, NULL, "test_subset5000.tsv", "line 2", "stars");
    write_text("test_subset5000.tsv", "2\t7\t5\tfilm\n");
    REFUSED(folder, NULL, "line 1", "label");
    write_text("test_subset5000.tsv", "1\t7\tfilm\n");
    REFUSED(folder, NULL, "line 1", "3 fields, not 4");
    write_text("test_subset5000.tsv", "");
    REFUSED(folder, NULL, "test_subset5000.tsv", "empty");
}

static void test_sentences_are_read(void **state)
{
    struct dataset_options options = {.seed = 3};
    int seen[40] = {0};
    char text[2][LONGEST] = {"", ""};
    (void)state;
    open_folder("sentences");
    for (int i = 0; i < 40; i++)
        snprintf(text[i % 2] + strlen(text[i % 2]), LONGEST - strlen(text[i % 2]), "%.*s\n", i / 2 + 1,
                 i % 2 ? "a b c d e f g h i j k l m n o p q r s t u v" : "A0B1C2D3E4F5G6H7I8J9KALBMCNDOE");
    write_text("rt-polarity.neg", text[0]);
    write_text("rt-polarity.pos", text[1]);
    for (options.fold = 0; options.fold < 10; options.fold++) {
        struct dataset set = loaded(folder, &options);
        assert_string_equal(set.name, "rt-polarity");
        check_shape(&set, 4096, 2, 36, 4);
        size_t positive = 0;
        for (size_t i = 0; i < 36; i++)
            positive += (size_t)set.train.labels[i];
        for (size_t i = 0; i < 4; i++) {
            positive += (size_t)set.test.labels[i];
            seen[options.fold] += (int)set.test.labels[i];
        }
        assert_int_equal(positive, 20);
        dataset_free(&set);
    }
    for (int i = 1; i < 10; i++)
        seen[0] += seen[i];
    assert_int_equal(seen[0], 20); /* every sentence is in one fold */
    REFUSED(folder, &options, "fold 10");
    forget("rt-polarity.pos");
    REFUSED(folder, NULL, "neither");
}

/* ---- from a name to a set ---- */

static void test_names_and_folders_choose_a_data_set(void **state)
{
    struct dataset_options options = {.folder = root, .seed = 1, .train_limit = 30, .test_limit = 7};
    struct dataset set;
    (void)state;
    REFUSED("/nowhere/at all", NULL, "/nowhere/at all is neither");
    set = loaded("digits", &options);
    check_shape(&set, 784, 10, 30, 7);
    assert_true(set.drawn);
    dataset_free(&set);
    set = loaded("shapes", &options);
    check_shape(&set, 3072, 10, 30, 7);
    dataset_free(&set);
    open_folder("empty place");
    options.folder = folder;
    if (!dataset_found("cifar100", &options)) {
        REFUSED("cifar100", &options, "cifar100 was not found", "empty place");
        options.stand_in = true;
        set = loaded("cifar100", &options);
        assert_true(set.drawn);
        assert_string_equal(set.name, "cifar100");
        check_shape(&set, 3072, 10, 30, 7);
        dataset_free(&set);
    }
    /* Below a place, in the folder that the set usually has; by $MONOFORWARD_DATA too. */
    open_folder("empty place/tabular");
    write_wines("winequality-white.csv", 20, 8);
    assert_true(dataset_found("wine-white", &options));
    snprintf(folder, sizeof folder, "%s/empty place", root);
    assert_int_equal(setenv("MONOFORWARD_DATA", folder, 1), 0);
    options.folder = NULL;
    set = loaded("wine-white", &options);
    check_shape(&set, 11, 3, 16, 4);
    dataset_free(&set);
    /* And in no other place than the one that was named, if nowhere else is to be looked. */
    options.folder = "/nowhere";
    assert_true(dataset_found("wine-white", &options));
    options.folder_alone = true;
    assert_false(dataset_found("wine-white", &options));
    options.stand_in = false;
    REFUSED("wine-white", &options, "wine-white was not found in /nowhere\n");
    assert_int_equal(unsetenv("MONOFORWARD_DATA"), 0);
    assert_non_null(dataset_name(0));
    for (size_t i = 0; dataset_name(i); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(dataset_name(i), dataset_name(j));
}

/* ---- splits and batches ---- */

static void test_splits_divide_the_training_data(void **state)
{
    struct dataset_options options = {.seed = 1, .train_limit = 50, .test_limit = 5};
    struct dataset set = loaded("digits", &options);
    struct dataset_split split, again, other;
    int seen[50] = {0};
    (void)state;
    assert_true(dataset_split_open(&split, &set, 20, 7) && dataset_split_open(&again, &set, 20, 7) &&
                dataset_split_open(&other, &set, 20, 8));
    assert_int_equal(split.train_count, 30);
    assert_int_equal(split.validation_count, 20);
    for (size_t i = 0; i < 30; i++)
        seen[split.train[i]]++;
    for (size_t i = 0; i < 20; i++)
        seen[split.validation[i]]++;
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(seen[i], 1);
    assert_memory_equal(split.order, again.order, 50 * sizeof *split.order);
    assert_memory_not_equal(split.validation, other.validation, 20 * sizeof *split.order);
    dataset_split_free(&split);
    dataset_split_free(&again);
    dataset_split_free(&other);
    assert_true(dataset_split_open(&split, &set, 0, 7));
    assert_int_equal(split.train[49], 49);
    dataset_split_free(&split);
    assert_false(dataset_split_open(&split, &set, 50, 7));
    dataset_split_free(&split);
    dataset_free(&set);
}

static void test_changes_transform_images(void **state)
{
    struct dataset_options options = {.seed = 1, .train_limit = 20, .test_limit = 5};
    struct dataset set = loaded("shapes", &options), grey = loaded("digits", &options);
    const uint32_t order[] = {4, 11, 4};
    float *plain = malloc(3 * 3072 * sizeof *plain), *changed = malloc(3 * 3072 * sizeof *changed);
    int32_t labels[3];
    size_t moved = 0;
    (void)state;
    assert_true(plain && changed);
    assert_true(dataset_allows(&set, CHANGE_MIRROR) && !dataset_allows(&set, CHANGE_AFFINE));
    assert_true(dataset_allows(&grey, CHANGE_ELASTIC));
    dataset_gather(&set, &set.train, order, 0, 3, CHANGE_NONE, NULL, plain, labels);
    assert_int_equal(labels[1], set.train.labels[11]);
    assert_memory_equal(plain, plain + 2 * 3072, 3072 * sizeof *plain);
    near(plain[3072 + 1024 + 5],
         ((double)set.train.bytes[11 * 3072 + 1024 + 5] - set.mean[1]) / set.deviation[1]);
    dataset_gather(&set, &set.train, order, 1, 1, CHANGE_MIRROR, NULL, changed, NULL);
    for (size_t i = 0; i < 3072; i++)
        assert_true(changed[i] == plain[3072 + i / 32 * 32 + 31 - i % 32]);
    /* A crop is the image moved by up to 4, mirrored or not, and the mean (0) beside it. */
    struct random_stream stream = {5}, same = {5};
    for (int round = 0; round < 20; round++) {
        int matches = 0;
        dataset_gather(&set, &set.train, order, 1, 1, CHANGE_CROPS, &stream, changed, NULL);
        for (int down = -4; down <= 4; down++)
            for (int right = -4; right <= 4; right++)
                for (int mirror = 0; mirror < 2; mirror++) {
                    int equal = 1;
                    for (int i = 0; equal && i < 3072; i++) {
                        int y = i % 1024 / 32 + down, x = (mirror ? 31 - i % 32 : i % 32) + right;
                        float expected = y >= 0 && y < 32 && x >= 0 && x < 32
                                             ? plain[3072 + i / 1024 * 1024 + y * 32 + x]
                                             : 0;
                        equal = changed[i] == expected;
                    }
                    matches += equal;
                    moved += equal && (down || right);
                }
        assert_int_equal(matches, 1);
    }
    assert_true(moved > 10);
    dataset_gather(&set, &set.train, order, 1, 1, CHANGE_CROPS, &same, plain, NULL);
    assert_true(same.state != 5);
    /* Elastic changes of digits are those of augment.h, standardised. */
    stream.state = 9;
    dataset_gather(&grey, &grey.train, NULL, 3, 1, CHANGE_ELASTIC, &stream, changed, NULL);
    dataset_gather(&grey, &grey.train, NULL, 3, 1, CHANGE_NONE, NULL, plain, NULL);
    double correlation = 0, squares = 0;
    for (size_t i = 0; i < 784; i++) {
        correlation += (double)(plain[i] * changed[i]);
        squares += (double)(plain[i] * plain[i]);
    }
    assert_true(correlation > 0.5 * squares && correlation < 0.999 * squares);
    free(plain);
    free(changed);
    dataset_free(&set);
    dataset_free(&grey);
}

/* ---- the real ones ---- */

struct real {
    const char *name;
    size_t features, classes, train, test, last; /* how many training rows have the last class */
};

static void check_real(const struct real *real, const struct dataset_options *options)
{
    struct dataset set = loaded(real->name, options);
    size_t last = 0;

    check_shape(&set, real->features, real->classes, real->train, real->test);
    for (size_t i = 0; i < set.train.count; i++)
        last += set.train.labels[i] == (int32_t)real->classes - 1;
    assert_int_equal(last, real->last);
    dataset_free(&set);
}

static void test_real_data_sets_have_the_known_sizes(void **state)
{
    static const struct real real[] = {
        {"mnist", 784, 10, 60000, 10000, 5949}, {"adult", 108, 2, 32561, 16281, 7841},
        {"letter", 16, 26, 16000, 4000, 576},   {"optdigits", 64, 10, 3823, 1797, 382},
        {"wine-red", 11, 6, 1280, 319, 12},     {"wine-white", 11, 7, 3919, 979, 5},
        {"wine-quality", 12, 7, 5198, 1299, 5}, {"rt-polarity", 4096, 2, 9596, 1066, 4797},
        {"imdb", 4096, 2, 10000, 5000, 5000},
    };
    const char *data = getenv("TEST_DATA");
    struct dataset_options options = {.folder = data, .seed = 1};
    (void)state;
    if (data == NULL || !dataset_found("adult", &options) || !dataset_found("imdb", &options)) {
        printf("skip: real data sets: none in %s\n", data != NULL ? data : "$TEST_DATA");
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(real); i++)
        check_real(&real[i], &options);
}

static void test_real_fashion_mnist_has_the_known_sizes(void **state)
{
    static const struct real real = {"fashion-mnist", 784, 10, 60000, 10000, 6000};
    (void)state;
    if (!dataset_found(real.name, NULL)) {
        printf("skip: no Fashion-MNIST (in Debian: dataset-fashion-mnist)\n");
        skip();
    }
    check_real(&real, NULL);
}

static int make_root(void **state)
{
    const char *place = getenv("TMPDIR");
    (void)state;
    snprintf(root, sizeof root, "%s/datasets-XXXXXX", place != NULL ? place : "/tmp");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idx_files_are_read),
        cmocka_unit_test(test_cifar10_records_are_read),
        cmocka_unit_test(test_cifar100_records_are_read),
        cmocka_unit_test(test_adult_files_are_read),
        cmocka_unit_test(test_a_letter_file_is_read),
        cmocka_unit_test(test_wine_files_are_read),
        cmocka_unit_test(test_optdigits_files_are_read),
        cmocka_unit_test(test_reviews_are_read),
        cmocka_unit_test(test_sentences_are_read),
        cmocka_unit_test(test_names_and_folders_choose_a_data_set),
        cmocka_unit_test(test_splits_divide_the_training_data),
        cmocka_unit_test(test_changes_transform_images),
        cmocka_unit_test(test_real_data_sets_have_the_known_sizes),
        cmocka_unit_test(test_real_fashion_mnist_has_the_known_sizes),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
