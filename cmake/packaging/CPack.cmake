# `cpack` in the build folder makes monoforward-VERSION-SYSTEM-PROCESSOR.tar.gz of what is installed;
# `cmake --build build --target dist` makes monoforward-VERSION.tar.gz of the sources that are committed.
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_FILE_NAME ${PROJECT_NAME}-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
# A copy of the working folder would hold whatever lies about: no target package_source.
set(CPACK_SOURCE_OUTPUT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/unused-source-package.cmake)
include(CPack)

find_package(Git QUIET)
if(GIT_FOUND)
    set(mf_dist ${PROJECT_NAME}-${PROJECT_VERSION})
    add_custom_target(dist
        COMMAND ${GIT_EXECUTABLE} archive --format=tar.gz --prefix=${mf_dist}/
                -o ${PROJECT_BINARY_DIR}/${mf_dist}.tar.gz HEAD
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        COMMENT "Sources of the last commit: ${mf_dist}.tar.gz"
        VERBATIM)
endif()
