/* The part of kernels_body.h with the optimizers, compiled with it for each instruction set. */
#include "math/kernels.h"
#include "math/lanes.h"

INLINE vector decayed_gradient(const mfi_rule *rule, vector g, vector p)
{
    return g + rule->decay * p;
}

/* Limits the second moment: once infinite, it would stay infinite. */
INLINE vector moving_square(float beta, vector old, vector gradient)
{
    return at_most(beta * old + (1.0f - beta) * gradient * gradient, FLT_MAX);
}

/* x / (sqrt(square) root + epsilon) */
INLINE vector over_root(vector x, vector square, float root, float epsilon)
{
    vector square_root = square * reciprocal_root(at_least(square, FLT_MIN));
    return x * reciprocal(square_root * root + epsilon);
}

/* Updates one vector and returns the new p. `kind` is a constant when this is inlined. */
INLINE vector apply_rule(mfi_rule_kind kind, const mfi_rule *r, vector p, vector g, vector *s0, vector *s1)
{
    vector gradient = decayed_gradient(r, g, p);
    switch (kind) {
    case MFI_RULE_SGD:
        return p - r->rate * gradient;
    case MFI_RULE_MOMENTUM:
        *s0 = r->momentum * *s0 + gradient;
        return p - r->rate * *s0;
    case MFI_RULE_NESTEROV:
        *s0 = r->momentum * *s0 + gradient;
        return p - r->rate * (gradient + r->momentum * *s0);
    case MFI_RULE_ADAM:
        *s0 = r->beta1 * *s0 + (1.0f - r->beta1) * gradient;
        *s1 = moving_square(r->beta2, *s1, gradient);
        return r->keep * p - r->rate * over_root(*s0, *s1, r->root, r->epsilon);
    case MFI_RULE_RMSPROP:
        *s0 = moving_square(r->beta2, *s0, gradient);
        return p - r->rate * over_root(gradient, *s0, 1.0f, r->epsilon);
    default: /* MFI_RULE_RMSPROP_MOMENTUM */
        *s0 = moving_square(r->beta2, *s0, gradient);
        *s1 = r->momentum * *s1 + over_root(gradient, *s0, 1.0f, r->epsilon);
        return p - r->rate * *s1;
    }
}

/* Returns the zero_if_finite() of all that is new of p, joined. */
INLINE mask update_rows(mfi_rule_kind kind, int slots, const mfi_rule *rule, size_t rows, size_t columns,
                        float *p, size_t ldp, const float *g, size_t ldg, float *s0, float *s1)
{
    const mfi_rule r = *rule;
    mask joined = {0};
    for (size_t i = 0; i < rows; i++)
        FOR_LANES(j, lanes, columns)
        {
            size_t at = i * ldp + j;
            vector first = {0}, second = {0};
            if (slots > 0)
                first = load_lanes(s0 + at, lanes);
            if (slots > 1)
                second = load_lanes(s1 + at, lanes);
            vector value = apply_rule(kind, &r, load_lanes(p + at, lanes), load_lanes(g + i * ldg + j, lanes),
                                      &first, &second);
            if (slots > 0)
                store_lanes(s0 + at, first, lanes);
            if (slots > 1)
                store_lanes(s1 + at, second, lanes);
            store_lanes(p + at, value, lanes);
            joined |= zero_if_finite(value);
        }
    return joined;
}

static mask update_values(const mfi_rule *rule, size_t rows, size_t columns, float *p, size_t ldp,
                          const float *g, size_t ldg, float *s0, float *s1)
{
    switch (rule->kind) {
    case MFI_RULE_SGD:
        return update_rows(MFI_RULE_SGD, 0, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    case MFI_RULE_MOMENTUM:
        return update_rows(MFI_RULE_MOMENTUM, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    case MFI_RULE_NESTEROV:
        return update_rows(MFI_RULE_NESTEROV, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    case MFI_RULE_ADAM:
        return update_rows(MFI_RULE_ADAM, 2, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    case MFI_RULE_RMSPROP:
        return update_rows(MFI_RULE_RMSPROP, 1, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    default:
        return update_rows(MFI_RULE_RMSPROP_MOMENTUM, 2, rule, rows, columns, p, ldp, g, ldg, s0, s1);
    }
}
