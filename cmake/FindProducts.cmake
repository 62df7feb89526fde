# Finds the library for the matrix products, as MF_BLAS says, and checks that it links.
#
# Sets mf_products_libraries (what to link), mf_products_include (where cblas.h is), MF_BLAS_FOUND (a
# name for people) and MF_GEMM_IS_BUILTIN. Where a system has alternatives behind one name, as Debian has
# behind libblas.so.3, `auto` links that name, so that the user chooses the library at run time.
include(CheckCSourceCompiles)

set(mf_products_libraries "")
set(mf_products_include "")
set(MF_GEMM_IS_BUILTIN OFF)

# Looks for cblas.h in the folders of one flavour and for cblas_sgemm in the libraries given.
function(mf_try_blas name libraries header_suffixes)
    if(MF_BLAS_FOUND OR NOT libraries)
        return()
    endif()
    find_path(MF_CBLAS_INCLUDE_${name} cblas.h PATH_SUFFIXES ${header_suffixes} cblas openblas blis)
    mark_as_advanced(MF_CBLAS_INCLUDE_${name})
    if(NOT MF_CBLAS_INCLUDE_${name})
        return()
    endif()
    set(CMAKE_REQUIRED_INCLUDES ${MF_CBLAS_INCLUDE_${name}})
    set(CMAKE_REQUIRED_LIBRARIES ${libraries})
    check_c_source_compiles("
        #include <cblas.h>
        int main(void)
        {
            float a = 1, b = 2, c = 0;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1);
            return c != 2;
        }" MF_CBLAS_LINKS_${name})
    if(MF_CBLAS_LINKS_${name})
        set(MF_BLAS_FOUND ${name} PARENT_SCOPE)
        set(mf_products_libraries "${libraries}" PARENT_SCOPE)
        set(mf_products_include "${MF_CBLAS_INCLUDE_${name}}" PARENT_SCOPE)
    endif()
endfunction()

# A library by its own name; netlib's may need libcblas beside libblas.
function(mf_try_named name folders header_suffixes)
    find_library(MF_LIBRARY_${name} NAMES ${ARGN} PATH_SUFFIXES ${folders})
    mark_as_advanced(MF_LIBRARY_${name})
    if(MF_LIBRARY_${name})
        mf_try_blas(${name} "${MF_LIBRARY_${name}}" "${header_suffixes}")
    endif()
    set(MF_BLAS_FOUND "${MF_BLAS_FOUND}" PARENT_SCOPE)
    set(mf_products_libraries "${mf_products_libraries}" PARENT_SCOPE)
    set(mf_products_include "${mf_products_include}" PARENT_SCOPE)
endfunction()

unset(MF_BLAS_FOUND)
if(MF_BLAS STREQUAL "auto")
    find_library(MF_LIBRARY_libblas NAMES blas)
    mark_as_advanced(MF_LIBRARY_libblas)
    if(MF_LIBRARY_libblas)
        mf_try_blas(libblas "${MF_LIBRARY_libblas}" "")
    endif()
    mf_try_named(openblas "openblas-pthread;openblas-openmp;openblas-serial" "openblas-pthread" openblas)
    mf_try_named(blis "blis-openmp;blis-pthread;blis-serial" "blis" blis)
    if(NOT MF_BLAS_FOUND)
        find_package(BLAS QUIET)
        mf_try_blas(blas "${BLAS_LIBRARIES}" "")
    endif()
elseif(MF_BLAS STREQUAL "openblas")
    mf_try_named(openblas "openblas-pthread;openblas-openmp;openblas-serial" "openblas-pthread" openblas)
elseif(MF_BLAS STREQUAL "blis")
    mf_try_named(blis "blis-openmp;blis-pthread;blis-serial" "blis" blis)
elseif(MF_BLAS STREQUAL "netlib")
    # Debian keeps the reference library in a folder of its own, beside the alternatives.
    find_library(MF_LIBRARY_netlib NAMES blas PATH_SUFFIXES blas)
    find_library(MF_LIBRARY_netlib_own NAMES libblas.so.3 libblas.so PATHS
                 /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/blas /usr/lib64/blas /usr/lib/blas NO_DEFAULT_PATH)
    mark_as_advanced(MF_LIBRARY_netlib MF_LIBRARY_netlib_own)
    if(MF_LIBRARY_netlib_own)
        mf_try_blas(netlib "${MF_LIBRARY_netlib_own}" "")
    elseif(MF_LIBRARY_netlib)
        mf_try_blas(netlib "${MF_LIBRARY_netlib}" "")
        find_library(MF_LIBRARY_netlib_cblas NAMES cblas)
        mark_as_advanced(MF_LIBRARY_netlib_cblas)
        if(NOT MF_BLAS_FOUND AND MF_LIBRARY_netlib_cblas)
            mf_try_blas(netlib_cblas "${MF_LIBRARY_netlib_cblas};${MF_LIBRARY_netlib}" "")
        endif()
    endif()
elseif(MF_BLAS STREQUAL "builtin")
    set(MF_BLAS_FOUND builtin)
endif()

if(NOT MF_BLAS_FOUND)
    if(NOT MF_BLAS STREQUAL "auto")
        message(FATAL_ERROR "MF_BLAS=${MF_BLAS}: no such library with cblas.h and cblas_sgemm was found")
    endif()
    message(WARNING "No CBLAS library was found. On x86-64 with AVX2 and on 64-bit ARM nothing is lost; on other "
                    "processors the matrix products are many times slower than OpenBLAS's (Debian: libopenblas-dev). "
                    "MF_BLAS=builtin says that this is meant.")
    set(MF_BLAS_FOUND builtin)
endif()
if(MF_BLAS_FOUND STREQUAL "builtin")
    set(MF_GEMM_IS_BUILTIN ON)
endif()
message(STATUS "Matrix products: ${MF_BLAS_FOUND} ${mf_products_libraries}")
