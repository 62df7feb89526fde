/* Owns: the name of the BLAS library that is used, and the number of its threads.
 *
 * The BLAS library is chosen when the program is linked, or only when it starts, so it is recognised by the
 * functions it exports. They are looked up in the library that provides our matrix product, and in those it
 * depends on: RTLD_DEFAULT would miss libraries that were loaded with RTLD_LOCAL, as FFIs load them. */
#define _GNU_SOURCE
#include "math/blas.h"

#include <stddef.h>

#if defined(MFI_GEMM_IS_BUILTIN) || !defined(MFI_HAVE_DLADDR)

typedef struct flavour {
    const char *name;
} flavour;

static const flavour *find_flavour(void)
{
#ifdef MFI_GEMM_IS_BUILTIN
    static const flavour only = {"builtin"};
#else
    static const flavour only = {"other"};
#endif
    return &only;
}

bool mfi_blas_set_threads(int32_t threads)
{
    (void)threads;
    return false;
}

bool mfi_blas_get_threads(int32_t *threads)
{
    (void)threads;
    return false;
}

#else

#include <dlfcn.h>

/* The names of each library's functions, and whether they take and return an integer as wide as a pointer, as
 * those of BLIS do. */
typedef struct flavour {
    const char *name, *set, *get;
    bool wide;
} flavour;

static const flavour flavours[] = {
    {"openblas", "openblas_set_num_threads", "openblas_get_num_threads", false},
    {"blis", "bli_thread_set_num_threads", "bli_thread_get_num_threads", true},
    {"mkl", "MKL_Set_Num_Threads", "MKL_Get_Max_Threads", false},
    {"other", NULL, NULL, false},
};

/* A handle of the library that contains the matrix product; close it with dlclose(). */
static void *open_library(void)
{
    Dl_info info;
    if (!dladdr(mfi_gemm_library_address(), &info) || !info.dli_fname)
        return NULL;
    return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
}

static void *find_symbol(const char *symbol)
{
    void *library = open_library();
    /* A static BLAS library is part of the program, or of this library; the handle of either finds it too. */
    void *found = library ? dlsym(library, symbol) : dlsym(RTLD_DEFAULT, symbol);
    if (library)
        dlclose(library);
    return found;
}

static const flavour *find_flavour(void)
{
    const flavour *candidate = flavours;
    while (candidate->set && !find_symbol(candidate->set))
        candidate++;
    return candidate;
}

bool mfi_blas_set_threads(int32_t threads)
{
    const flavour *blas = find_flavour();
    if (!blas->set)
        return false;
    void *function = find_symbol(blas->set);
    if (blas->wide)
        __extension__((void (*)(intptr_t))function)(threads);
    else
        __extension__((void (*)(int))function)(threads);
    return true;
}

bool mfi_blas_get_threads(int32_t *threads)
{
    const flavour *blas = find_flavour();
    void *function = blas->get ? find_symbol(blas->get) : NULL;
    if (!function)
        return false;
    intptr_t now =
        blas->wide ? __extension__((intptr_t(*)(void))function)() : __extension__((int (*)(void))function)();
    /* BLIS returns -1 until a number has been set. */
    *threads = now < 1 ? 1 : (int32_t)now;
    return true;
}

#endif

const char *mfi_blas_name(void)
{
    return find_flavour()->name;
}
