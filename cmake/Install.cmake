# What `cmake --install` puts in place: headers, libraries, monoforward.pc and the CMake package.
include(CMakePackageConfigHelpers)

# Libraries as a linker option: -lname for those in the usual places, the path for others; options stay as they are.
set(mf_pc_private "")
foreach(library ${mf_private_libraries})
    if(IS_ABSOLUTE "${library}")
        get_filename_component(folder "${library}" DIRECTORY)
        get_filename_component(file "${library}" NAME)
        if(file MATCHES "^lib(.+)\\.(so|a|dylib)$" AND folder IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
            string(APPEND mf_pc_private " -l${CMAKE_MATCH_1}")
        else()
            string(APPEND mf_pc_private " ${library}")
        endif()
    elseif(library MATCHES "^-")
        string(APPEND mf_pc_private " ${library}")
    else()
        string(APPEND mf_pc_private " -l${library}")
    endif()
endforeach()
if(mf_threads_flag) # empty where the C library has threads
    string(APPEND mf_pc_private " ${mf_threads_flag}")
endif()
string(STRIP "${mf_pc_private}" mf_pc_private)
# A shared library knows what it needs. Where there is none, every program links it, and few would say --static.
set(mf_pc_public "")
if(NOT "shared" IN_LIST mf_kinds)
    set(mf_pc_public " ${mf_pc_private}")
    set(mf_pc_private "")
endif()

# The .pc file finds its prefix from its own place, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(mf_pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(mf_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
    set(mf_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(mf_pc_prefix "\${pcfiledir}/${up}")
    set(mf_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(mf_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(pkgconfig/monoforward.pc.in monoforward.pc @ONLY)
configure_package_config_file(cmake/monoforward-config.cmake.in monoforward-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/monoforward)
# Before 1.0 a minor version may change the source interface; a break of the ABI changes the SONAME.
write_basic_package_version_file(monoforward-config-version.cmake COMPATIBILITY SameMinorVersion)

install(FILES include/monoforward.h include/monoforward.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# README.md and the documents that it leads to. Inside another project CMAKE_INSTALL_DOCDIR is the host's.
set(mf_documents_folder "${CMAKE_INSTALL_DOCDIR}")
if(NOT PROJECT_IS_TOP_LEVEL)
    set(mf_documents_folder "${CMAKE_INSTALL_DATAROOTDIR}/doc/monoforward")
endif()
install(FILES LICENSE README.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${mf_documents_folder})
install(DIRECTORY docs DESTINATION ${mf_documents_folder}
    FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.png" PATTERN "*.log" PATTERN "*.txt" PATTERN "*.csv" PATTERN reference EXCLUDE)
file(GLOB mf_examples CONFIGURE_DEPENDS examples/*.c examples/*.md)
install(FILES ${mf_examples} DESTINATION ${mf_documents_folder}/examples)

list(TRANSFORM mf_kinds PREPEND monoforward_ OUTPUT_VARIABLE mf_installed)
install(TARGETS ${mf_installed} EXPORT monoforward
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(mf_mpi) # with files of its own, so that the core is the same with and without it
    list(TRANSFORM mf_kinds PREPEND monoforward_mpi_ OUTPUT_VARIABLE mf_installed_mpi)
    configure_file(pkgconfig/monoforward-mpi.pc.in monoforward-mpi.pc @ONLY)
    install(FILES include/monoforward_mpi.h include/monoforward_mpi.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(TARGETS ${mf_installed_mpi} EXPORT monoforward-mpi
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT monoforward-mpi FILE monoforward-mpi-targets.cmake NAMESPACE monoforward::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/monoforward)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/monoforward-mpi.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
install(EXPORT monoforward FILE monoforward-targets.cmake NAMESPACE monoforward::
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/monoforward)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/monoforward.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/monoforward-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/monoforward-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/monoforward)
install(CODE "set(DOCUMENTS_FOLDER \"${mf_documents_folder}\")
set(HEADER_FOLDER \"${CMAKE_INSTALL_INCLUDEDIR}\")")
install(SCRIPT cmake/InstalledLinks.cmake)

if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(uninstall VERBATIM COMMAND ${CMAKE_COMMAND}
        -DMANIFEST=${CMAKE_CURRENT_BINARY_DIR}/install_manifest.txt -DHEADER_FOLDER=${CMAKE_INSTALL_INCLUDEDIR}
        -P ${PROJECT_SOURCE_DIR}/cmake/Uninstall.cmake)
endif()
