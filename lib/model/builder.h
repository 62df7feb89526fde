/* Owns: a builder: units that a host adds one by one, until layers are made of them. */
#ifndef MFI_MODEL_BUILDER_H
#define MFI_MODEL_BUILDER_H

#include "model/layer.h"

struct mf_builder {
    mfi_handle handle;
    mfi_plan plan;
    size_t capacity; /* units that there is room for */
    void *block;     /* the arrays of the plan */
    size_t block_bytes;
    bool has_head;
    bool completed;    /* nothing was added since the plan was completed */
    mf_status failure; /* the first one, with its message */
    char message[256];
};

mf_builder_spec mfi_builder_defaults(void);

mf_status mfi_builder_create(const mf_builder_spec *spec, mf_builder **builder);
mf_status mfi_builder_from_spec(const mf_layer_spec *spec, mf_builder **builder);
void mfi_builder_release(mf_builder *builder);

/* Whether units and heads can be added: the first failure if there was one, STATE if it is complete. Checked
 * before both that follow, which keep a failure. */
mf_status mfi_builder_check(mf_builder *builder);

mf_status mfi_builder_unit(mf_builder *builder, const mf_unit_spec *unit, int32_t *node);
mf_status mfi_builder_head(mf_builder *builder, const mf_head_spec *head);

/* Its complete plan. */
mf_status mfi_builder_plan(mf_builder *builder, const mfi_plan **plan);

/* Keeps a failure that happened before a unit or head got here. */
mf_status mfi_builder_remember(mf_builder *builder, mf_status status);

#endif
