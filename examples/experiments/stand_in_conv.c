#include "backprop_conv.h"
#include <stddef.h>
backprop_conv *backprop_conv_create(const mf_layer_spec *l, size_t n, mf_optimizer *o, size_t b, const mf_allocator *a) { (void)l; (void)n; (void)o; (void)b; (void)a; return NULL; }
void backprop_conv_free(backprop_conv *n) { (void)n; }
double backprop_conv_step(backprop_conv *n, size_t r, const float *x, const int32_t *y, uint64_t *c) { (void)n; (void)r; (void)x; (void)y; (void)c; return 0; }
double backprop_conv_evaluate(backprop_conv *n, size_t r, const float *x, const int32_t *y, uint64_t *c) { (void)n; (void)r; (void)x; (void)y; (void)c; return 0; }
size_t backprop_conv_values(const backprop_conv *n) { (void)n; return 0; }
mf_layer *backprop_conv_layer(const backprop_conv *n, size_t p) { (void)n; (void)p; return NULL; }
