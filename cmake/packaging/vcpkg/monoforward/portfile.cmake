# The sources of a release. cmake/packaging/fill.sh puts address and checksum in place of the words in @.
vcpkg_download_distfile(archive
    URLS "@URL@"
    FILENAME "monoforward-${VERSION}.tar.gz"
    SHA512 @SHA512@)
vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "${archive}")

set(blas builtin)
if("openblas" IN_LIST FEATURES)
    set(blas openblas)
endif()

# vcpkg passes BUILD_SHARED_LIBS, by which one of the two libraries is installed.
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DMF_BLAS=${blas}
        -DMF_MPI=off
        -DMF_REFERENCE=off
        -DMF_BUILD_EXAMPLES=OFF
        -DMF_BUILD_TESTS=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/monoforward)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share"
                    "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
