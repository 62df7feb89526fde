/* Networks of layers of several units to export. SPDX-License-Identifier: MIT */
#ifndef TEST_ONNX_BUILT_H
#define TEST_ONNX_BUILT_H

#include "images.h"
#include "monoforward.h"

enum { BUILT_NETWORKS = 7, RANDOM_NETWORKS = 40 };

/** The name of a network; it reads the images as maps if `maps` says so afterwards, as rows otherwise. */
const char *built_name(int which, int *maps);
mf_network *built_network(int which, const images *set);

/** A random layer with another behind it, and drawn images of the shape that it reads; drop_images() them. */
mf_network *random_network(uint64_t seed, images *set);

#endif
