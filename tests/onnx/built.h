/* Networks of layers of several units to export. SPDX-License-Identifier: MIT */
#ifndef TEST_ONNX_BUILT_H
#define TEST_ONNX_BUILT_H

#include "images.h"
#include "monoforward.h"

enum { BUILT_NETWORKS = 12, RANDOM_NETWORKS = 40 };

const char *built_name(int which);
mf_network *built_network(int which, const images *set);

/** A random layer with another behind it, and drawn images of the shape that it reads; drop_images() them. */
mf_network *random_network(uint64_t seed, images *set);

#endif
