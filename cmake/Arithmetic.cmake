# What arithmetic needs of the compiler and the C library. Adds compiler flags to this folder and those below.
# Sets mf_math_library: m where its functions are in a library of their own, else empty.
include(CheckCSourceCompiles)

# float has to be computed as float: the vector types of lib/math do not mix with anything wider, and results
# would depend on what the compiler keeps in registers. s390x widens by tradition, unless told not to; the x87
# of 32-bit x86 cannot do otherwise, so SSE2 takes its place.
set(mf_float_check "
    #include <float.h>
    #if FLT_EVAL_METHOD != 0
    #error float is computed as something wider
    #endif
    int main(void) { return 0; }")
check_c_source_compiles("${mf_float_check}" MF_FLOAT_IS_FLOAT)
if(NOT MF_FLOAT_IS_FLOAT)
    set(CMAKE_REQUIRED_FLAGS "-fexcess-precision=fast")
    check_c_source_compiles("${mf_float_check}" MF_FLOAT_IS_FLOAT_IF_FAST)
    set(CMAKE_REQUIRED_FLAGS "-msse2 -mfpmath=sse")
    check_c_source_compiles("${mf_float_check}" MF_FLOAT_IS_FLOAT_WITH_SSE2)
    unset(CMAKE_REQUIRED_FLAGS)
    if(MF_FLOAT_IS_FLOAT_IF_FAST)
        add_compile_options(-fexcess-precision=fast)
    elseif(MF_FLOAT_IS_FLOAT_WITH_SSE2)
        add_compile_options(-msse2 -mfpmath=sse)
    else()
        message(WARNING "This compiler computes float as something wider, and no flag that is known here changes "
                        "it: the library may not compile.")
    endif()
endif()

# NaN and infinity are told from numbers and sums keep their order, whatever CFLAGS ask for. Linked with -ffast-math, or GCC's
# -funsafe-math-optimizations, a shared library would also change the mode of the thread that loads it, as it still does with
# -Ofast and no other -O.
add_compile_options(-fno-fast-math)
add_link_options(-fno-fast-math -fno-unsafe-math-optimizations)

# Asked of the linker, not looked for in folders: a cross compiler knows its own.
set(mf_math_check "
    #include <math.h>
    int main(int count, char **words) { return (int)(expf((float)count) + sqrtf((float)words[0][0])); }")
check_c_source_compiles("${mf_math_check}" MF_MATH_IS_IN_LIBC)
set(mf_math_library "")
if(NOT MF_MATH_IS_IN_LIBC)
    set(mf_math_library m)
endif()
