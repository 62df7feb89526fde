# The reference of the public header: man pages, which are built and installed where Doxygen and Python are there,
# and HTML with the documents as chapters, by the target reference_html, in <build>/reference/html.
mf_setting(MF_REFERENCE auto "Man pages: auto (where Doxygen and Python are) or off" auto off)

if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()
find_program(MF_DOXYGEN doxygen)
find_program(MF_PYTHON NAMES python3)
mark_as_advanced(MF_DOXYGEN MF_PYTHON)
set(mf_reference "${PROJECT_BINARY_DIR}/reference")
if(NOT MF_REFERENCE STREQUAL "auto" OR NOT MF_DOXYGEN OR NOT MF_PYTHON)
    file(REMOVE_RECURSE "${mf_reference}")
    return()
endif()

set(mf_source "${PROJECT_SOURCE_DIR}")

# mf_configure_doxygen(NAME OPTIONS...): docs/Doxyfile for this build folder, in reference/NAME. Relative paths in it
# are those of the top folder, where Doxygen has to run.
function(mf_configure_doxygen name)
    set(filter "\\\"${MF_PYTHON}\\\" \\\"${mf_source}/docs/reference")
    string(JOIN "\n" options
        "@INCLUDE = \"${mf_source}/docs/Doxyfile\""
        "PROJECT_NUMBER = ${PROJECT_VERSION}"
        "OUTPUT_DIRECTORY = \"${mf_reference}\""
        "FILTER_PATTERNS = \"*.h=${filter}/header.py\\\"\" \"*.md=${filter}/markdown.py\\\"\""
        ${ARGN})
    file(CONFIGURE OUTPUT "${mf_reference}/${name}" CONTENT "${options}\n" @ONLY)
endfunction()

# Doxygen counts parameters only while it writes HTML; other versions of it may find more to complain about, and a
# warning is no reason not to build the library.
set(mf_headers include/monoforward.h)
if(mf_mpi)
    list(APPEND mf_headers include/monoforward_mpi.h)
endif()
string(JOIN " " mf_header_names ${mf_headers})
mf_configure_doxygen(Doxyfile.xml "INPUT = ${mf_header_names}" "GENERATE_HTML = NO" "GENERATE_XML = YES"
    "WARN_NO_PARAMDOC = NO" "WARN_AS_ERROR = NO")
mf_configure_doxygen(Doxyfile.html "HTML_OUTPUT = html")

file(GLOB mf_reference_scripts CONFIGURE_DEPENDS docs/reference/*.py)
file(GLOB mf_documents CONFIGURE_DEPENDS docs/*.md)
file(GLOB_RECURSE mf_example_files CONFIGURE_DEPENDS examples/*.[ch])
add_custom_command(OUTPUT "${mf_reference}/man.stamp"
    COMMAND "${MF_DOXYGEN}" "${mf_reference}/Doxyfile.xml"
    COMMAND "${MF_PYTHON}" docs/reference/man.py "${mf_reference}/xml" "${mf_reference}/man3"
    COMMAND "${CMAKE_COMMAND}" -E touch "${mf_reference}/man.stamp"
    DEPENDS ${mf_headers} README.md CHANGELOG.md docs/Doxyfile ${mf_documents} ${mf_example_files}
            ${mf_reference_scripts} "${mf_reference}/Doxyfile.xml"
    WORKING_DIRECTORY "${mf_source}" COMMENT "Writing man pages" VERBATIM)
add_custom_target(reference_man ALL DEPENDS "${mf_reference}/man.stamp")
add_custom_target(reference_html COMMAND "${MF_DOXYGEN}" "${mf_reference}/Doxyfile.html"
    WORKING_DIRECTORY "${mf_source}" COMMENT "Writing ${mf_reference}/html/index.html" VERBATIM)

if(MF_INSTALL)
    # Optional: who has built the library alone installs it without.
    install(DIRECTORY "${mf_reference}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}" OPTIONAL)
endif()
