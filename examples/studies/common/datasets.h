/* datasets: the one table of data sets, and the way from a folder or a name to one of them.
 *
 *     name           what is looked for in a folder (plain or with the ending in brackets)     classes
 *     mnist          train-images-idx3-ubyte [.gz], its labels, and t10k-...                   from labels
 *     fashion-mnist  the same; the labels of the first rows tell them apart
 *     cifar10        data_batch_1.bin to _5.bin, test_batch.bin [.xz]                          10
 *     cifar100       train.bin, test.bin [.xz]: fine labels, or coarse ones                    100, 20
 *     adult          adult.data, adult.test [.gz]                                              2
 *     letter         letter-recognition.data [.gz]                                             26
 *     optdigits      optdigits.tra, optdigits.tes [.gz]                                        10
 *     wine-red       winequality-red.csv [.gz]: a class for every quality                      6
 *     wine-white     winequality-white.csv [.gz]                                               7
 *     wine-quality   both, with a column that tells white from red                             7
 *     rt-polarity    rt-polarity.neg, rt-polarity.pos [.gz]                                    2
 *     imdb           train_subset10000.tsv, test_subset5000.tsv [.gz]                          2
 *     digits         nothing: drawn here, 1 x 28 x 28                                          10
 *     shapes         nothing: drawn here, 3 x 32 x 32                                          10
 *
 * Sets without a test part are split here: letter after 4/5 of its rows (16,000 of 20,000), as is custom; the
 * wines at a random fifth, and rt-polarity at one tenth, by the seed.
 *
 * Readers are strict: what is missing, truncated, too long or out of range is refused in one line on stderr
 * that names the file and the line or record.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_DATASETS_H
#define STUDIES_DATASETS_H

#include "dataset.h"

struct dataset_options {
    const char *folder; /* where a name is looked for first; NULL: only in the places of places.h */
    bool folder_alone;  /* a name is looked for there and nowhere else */
    uint64_t seed;      /* of splits and of what is drawn */
    size_t fold;        /* of rt-polarity: which tenth is the test part, 0 to 9 */
    size_t train_limit; /* the first rows of a part are all there are, but means, deviations and idf are those
                           of all training rows; of what is drawn, the number of rows. 0: all rows */
    size_t test_limit;
    size_t columns; /* of texts: a power of two from 256 to 2^20; 0: 4,096 */
    bool coarse;    /* CIFAR-100: its 20 coarse labels */
    bool stand_in;  /* a name that is not found: draw digits or shapes instead (not for texts) */
};

/* `where` is a folder, which is recognised by the files in it and never by its name, or a name of the table,
 * looked for in options->folder and the places of places.h (as that of Debian's dataset-fashion-mnist), and in
 * each of these also in the folders that the sets usually have: mnist, fashion-mnist, cifar-10, tabular,
 * text/imdb and so on. $MONOFORWARD_DATA may also be the folder of MNIST's files itself. A set that is
 * another than the name says is refused, and so is a folder that holds several, with their names: then say the
 * name, and the folder in the options. `options` may be NULL: all 0. On failure prints one line, leaves `set`
 * empty and returns false. */
bool dataset_load(const char *where, const struct dataset_options *options, struct dataset *set);

/* Would dataset_load() find that name, without a stand-in? Prints nothing: for those who would rather skip.
 */
bool dataset_found(const char *name, const struct dataset_options *options);

/* The names of the table, NULL behind the last. */
const char *dataset_name(size_t index);

#endif
