# What makes an error in memory harder to exploit, as distributions build their packages. Adds flags to this
# folder and those below; MF_HARDENING=OFF leaves them out, and so do sanitizers and fuzzers, which look closer.
#
# Sets mf_fortify, the flag for code that is surely optimised, and mf_unguarded, flags for files of loops that are
# called for every few numbers and keep nothing but arrays of fixed size on the stack.
option(MF_HARDENING "Stack protector, checked string functions, control-flow protection, read-only relocations" ON)
set(mf_fortify "")
set(mf_unguarded "")
if(NOT MF_HARDENING OR MF_SANITIZE OR MF_BUILD_FUZZERS)
    return()
endif()
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# Control-flow protection: CET on x86, BTI and PAC on aarch64. Older processors take the instructions for no-ops.
# Clang takes those of other machines with a warning.
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-protector-strong -fcf-protection -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "MF_HAVE${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        add_compile_options(${flag})
    endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

# Unless whoever builds has asked for it by name.
if(MF_HAVE_fstack_protector_strong AND NOT CMAKE_C_FLAGS MATCHES "-fstack-protector")
    set(mf_unguarded -fno-stack-protector)
endif()

# Some distributions' compilers define it, perhaps higher, and so may the flags of a package. Without
# optimisation it does nothing but warn.
set(CMAKE_REQUIRED_FLAGS "-O2")
check_c_source_compiles("
    #ifdef _FORTIFY_SOURCE
    #error defined already
    #endif
    int main(void) { return 0; }" MF_FORTIFY_IS_FREE)
unset(CMAKE_REQUIRED_FLAGS)
if(MF_FORTIFY_IS_FREE)
    set(mf_fortify -D_FORTIFY_SOURCE=2)
    list(APPEND mf_unguarded -U_FORTIFY_SOURCE)
    add_compile_options("$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:${mf_fortify}>")
endif()

# Tables of addresses are read-only once the program has started.
foreach(word relro now)
    check_linker_flag(C "-Wl,-z,${word}" MF_HAVE_Z_${word})
    if(MF_HAVE_Z_${word})
        add_link_options("-Wl,-z,${word}")
    endif()
endforeach()
