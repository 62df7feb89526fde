# Equal sources give equal bytes, wherever and whenever they are built. To be included by the folder whose
# targets shall be so; call mf_reproducible(TARGET) for each that compiles.
include(CheckCCompilerFlag)

# No folder names in debug information. A Debug build keeps them: a debugger finds the sources by them.
check_c_compiler_flag(-ffile-prefix-map=/nowhere=. MF_HAVE_FILE_PREFIX_MAP)
function(mf_reproducible target)
    if(MF_HAVE_FILE_PREFIX_MAP)
        # The last that fits is taken, and a build folder may lie in that of the sources.
        foreach(folder ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
            target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${folder}=.>)
        endforeach()
    endif()
endfunction()

# Neither times nor users in static libraries. Other archivers than GNU's are so by themselves, or cannot be told.
execute_process(COMMAND ${CMAKE_AR} --version OUTPUT_VARIABLE mf_ar_version ERROR_QUIET)
if(mf_ar_version MATCHES "GNU ar")
    set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>")
    set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <LINK_FLAGS> <OBJECTS>")
    set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
endif()
