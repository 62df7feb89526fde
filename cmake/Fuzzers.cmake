# The fuzz targets under a fuzzing engine: fuzz_model (model files and snapshots), fuzz_onnx and fuzz_calls. The engine is
# clang's libFuzzer with sanitizers for addresses and undefined behaviour:
#
#     cmake -B build-fuzz -DCMAKE_C_COMPILER=clang -DMF_BUILD_FUZZERS=ON -DMF_BLAS=builtin
#     cmake --build build-fuzz --target fuzz_model fuzz_onnx fuzz_calls
#     build-fuzz/tests/fuzz/fuzz_model -dict=tests/fuzz/model.dict FINDINGS tests/fuzz/corpus
#     build-fuzz/tests/fuzz/fuzz_onnx ONNX_FINDINGS tests/onnx/golden
#     build-fuzz/tests/fuzz/fuzz_calls -max_len=800 -len_control=0 CALLS_FINDINGS tests/fuzz/corpus_calls
#
# Or it is MF_FUZZING_ENGINE, a flag or a library for the linker, in which case sanitizers and the eyes of the engine are
# matters of CFLAGS: no sanitizer is added to those of whoever builds. tests/fuzz/oss_fuzz.sh does that.
set(flags "")
set(engine ${MF_FUZZING_ENGINE})
if(NOT MF_FUZZING_ENGINE)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "MF_BUILD_FUZZERS needs clang: -DCMAKE_C_COMPILER=clang, or another MF_FUZZING_ENGINE")
    endif()
    set(flags -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    set(engine -fsanitize=fuzzer,address,undefined)
else()
    include(cmake/EnableCxx.cmake) # engines are written in C++
    if(NOT CMAKE_CXX_COMPILER)
        message(FATAL_ERROR "MF_FUZZING_ENGINE needs a C++ compiler, which links the engine")
    endif()
    separate_arguments(engine)
endif()
find_package(Threads REQUIRED)

# The library once more, seen by the fuzzer, without the kernels for instruction sets, whose flags belong to the folder of
# lib/. In those for any processor only addresses are looked at: checks for undefined behaviour would take the compiler
# a quarter of an hour, and have a stage of tests/builds.sh.
get_target_property(library_sources monoforward_objects SOURCES)
list(FILTER library_sources EXCLUDE REGEX "kernels_avx")
list(TRANSFORM library_sources PREPEND ${PROJECT_SOURCE_DIR}/lib/)
get_target_property(library_definitions monoforward_objects COMPILE_DEFINITIONS)
list(REMOVE_ITEM library_definitions MFI_KERNELS_X86 MFI_KERNELS_AVX512BF16)
add_library(fuzz_library STATIC EXCLUDE_FROM_ALL ${library_sources})
set_source_files_properties(${PROJECT_SOURCE_DIR}/lib/math/kernels_generic.c PROPERTIES
    COMPILE_OPTIONS -fno-sanitize=undefined)
target_include_directories(fuzz_library PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/lib)
target_include_directories(fuzz_library SYSTEM PRIVATE ${mf_products_include})
target_compile_definitions(fuzz_library PRIVATE ${library_definitions})
target_compile_options(fuzz_library PUBLIC ${flags})
target_link_libraries(fuzz_library PUBLIC ${mf_private_libraries} Threads::Threads)

function(mf_fuzzer name)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/tests/fuzz/)
    add_executable(fuzz_${name} ${ARGN})
    target_link_libraries(fuzz_${name} PRIVATE fuzz_library ${engine})
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/fuzz)
    if(MF_FUZZING_ENGINE)
        set_target_properties(fuzz_${name} PROPERTIES LINKER_LANGUAGE CXX)
    endif()
endfunction()
mf_fuzzer(model fuzz_model.c fuzz_snapshot.c fuzz_common.c libfuzzer.c)
mf_fuzzer(onnx fuzz_onnx.c fuzz_common.c libfuzzer.c)
mf_fuzzer(calls machine.c fuzz_calls.c)
