/* Owns: products by oneDNN: its SGEMM, and its matmul primitive in float32 and in bf16, which chooses how B
 * lies and gets it so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#include "rivals.h"
#include "support.h"

static void need_dnnl(dnnl_status_t status)
{
    if (status != dnnl_success)
        give_up("oneDNN has", "failed");
}

/* oneDNN's threads are those of the OpenMP library behind it, which has read the environment already. */
static void use_one_thread(void)
{
    void *found = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    void (*set)(int);
    if (!found)
        return;
    *(void **)&set = found;
    set(1);
}

/* ---- sgemm ---- */

static void *sgemm_prepare(const product *p)
{
    use_one_thread();
    return (void *)p;
}

static void sgemm_run(void *job)
{
    const product *p = job;
    need_dnnl(dnnl_sgemm(p->trans_a ? 'T' : 'N', p->trans_b ? 'T' : 'N', (dnnl_dim_t)p->m, (dnnl_dim_t)p->n,
                         (dnnl_dim_t)p->k, 1.0f, p->a, (dnnl_dim_t)(p->trans_a ? p->m : p->k), p->b,
                         (dnnl_dim_t)(p->trans_b ? p->k : p->n), 0.0f, p->c, (dnnl_dim_t)p->n));
}

static void sgemm_finish(void *job)
{
    (void)job;
}

const competitor rival_onednn_sgemm = {"onednn_sgemm", 0, sgemm_prepare, sgemm_run, sgemm_finish, NULL};

/* ---- matmul ---- */

enum { MATMUL_A, MATMUL_B, MATMUL_C, OPERANDS };

typedef struct matmul_job {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t operands[OPERANDS];
} matmul_job;

static dnnl_memory_desc_t plain(size_t rows, size_t columns, int transposed, dnnl_data_type_t type)
{
    const dnnl_dims_t sizes = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    const dnnl_dims_t strides = {transposed ? 1 : (dnnl_dim_t)columns, transposed ? (dnnl_dim_t)rows : 1};
    dnnl_memory_desc_t desc;
    need_dnnl(dnnl_memory_desc_init_by_strides(&desc, 2, sizes, type, strides));
    return desc;
}

static dnnl_memory_desc_t any_order(size_t rows, size_t columns, dnnl_data_type_t type)
{
    const dnnl_dims_t sizes = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    dnnl_memory_desc_t desc;
    need_dnnl(dnnl_memory_desc_init_by_tag(&desc, 2, sizes, type, dnnl_format_tag_any));
    return desc;
}

/* A copy of plain values in the order and precision that the primitive wants. */
static dnnl_memory_t reordered(matmul_job *j, const dnnl_memory_desc_t *from, float *values,
                               const dnnl_memory_desc_t *to)
{
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, copy;
    need_dnnl(dnnl_memory_create(&source, from, j->engine, values));
    need_dnnl(dnnl_memory_create(&copy, to, j->engine, DNNL_MEMORY_ALLOCATE));
    need_dnnl(dnnl_reorder_primitive_desc_create(&desc, from, j->engine, to, j->engine, NULL));
    need_dnnl(dnnl_primitive_create(&primitive, desc));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, copy}};
    need_dnnl(dnnl_primitive_execute(primitive, j->stream, 2, arguments));
    need_dnnl(dnnl_stream_wait(j->stream));
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(desc);
    dnnl_memory_destroy(source);
    return copy;
}

static void matmul_finish(void *job)
{
    matmul_job *j = job;
    for (int i = 0; i < OPERANDS; i++)
        dnnl_memory_destroy(j->operands[i]);
    dnnl_primitive_destroy(j->primitive);
    dnnl_stream_destroy(j->stream);
    dnnl_engine_destroy(j->engine);
    free(j);
}

/* False where oneDNN has no such product for this processor. */
static int describe(const product *p, dnnl_data_type_t type, dnnl_engine_t engine,
                    dnnl_primitive_desc_t *desc)
{
    dnnl_memory_desc_t a = plain(p->m, p->k, p->trans_a, type), b = any_order(p->k, p->n, type);
    dnnl_memory_desc_t c = plain(p->m, p->n, 0, dnnl_f32);
    dnnl_matmul_desc_t matmul;
    need_dnnl(dnnl_matmul_desc_init(&matmul, &a, &b, NULL, &c));
    return dnnl_primitive_desc_create(desc, &matmul, NULL, engine, NULL) == dnnl_success;
}

static void *prepare(const product *p, dnnl_data_type_t type)
{
    dnnl_primitive_desc_t desc;
    matmul_job *j = calloc(1, sizeof *j);
    if (!j)
        give_up("no memory for", "oneDNN");
    use_one_thread();
    need_dnnl(dnnl_engine_create(&j->engine, dnnl_cpu, 0));
    need_dnnl(dnnl_stream_create(&j->stream, j->engine, dnnl_stream_default_flags));
    if (!describe(p, type, j->engine, &desc)) {
        matmul_finish(j);
        return NULL;
    }
    const dnnl_memory_desc_t a = plain(p->m, p->k, p->trans_a, dnnl_f32);
    const dnnl_memory_desc_t b = plain(p->k, p->n, p->trans_b, dnnl_f32);
    j->operands[MATMUL_A] = reordered(j, &a, p->a, dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0));
    j->operands[MATMUL_B] =
        reordered(j, &b, p->b, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0));
    need_dnnl(dnnl_memory_create(&j->operands[MATMUL_C],
                                 dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0), j->engine, p->c));
    need_dnnl(dnnl_primitive_create(&j->primitive, desc));
    dnnl_primitive_desc_destroy(desc);
    return j;
}

static void *float32_prepare(const product *p)
{
    return prepare(p, dnnl_f32);
}

static void *bf16_prepare(const product *p)
{
    return prepare(p, dnnl_bf16);
}

static void matmul_run(void *job)
{
    matmul_job *j = job;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, j->operands[MATMUL_A]},
                                         {DNNL_ARG_WEIGHTS, j->operands[MATMUL_B]},
                                         {DNNL_ARG_DST, j->operands[MATMUL_C]}};
    need_dnnl(dnnl_primitive_execute(j->primitive, j->stream, OPERANDS, arguments));
    need_dnnl(dnnl_stream_wait(j->stream));
}

const competitor rival_onednn = {"onednn", 0, float32_prepare, matmul_run, matmul_finish, NULL};
const competitor rival_onednn_bf16 = {"onednn_bf16", 1, bf16_prepare, matmul_run, matmul_finish, NULL};
