/* mpi_settings: what the command line says about ranks; the rest is that of mnist.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MPI_MNIST_SETTINGS_H
#define MPI_MNIST_SETTINGS_H

#include "settings.h"

enum mode_choice { MODE_PIPELINE, MODE_DATA, MODE_HYBRID };

struct mpi_settings {
    int32_t mode;
    size_t replicas;      /* of a hybrid run */
    int32_t wire;         /* MF_MPI_WIRE_... */
    size_t average_every; /* steps; 0: gradients in every step */
};

extern const char *const mode_names[];
extern const char *const wire_names[];

enum options_outcome mpi_settings_read(struct settings *settings, struct mpi_settings *mpi, int argc,
                                       char **argv);

#endif
