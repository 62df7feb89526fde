# Enables C++, for its example and tests, where there is a compiler; the library is C and needs none.
# Sets CMAKE_CXX_COMPILER, to something false where there is no such compiler.
#
# CMake would take `c++`, whatever the C compiler is; sanitizers need both of one family.
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
    string(REGEX REPLACE "clang([^/]*)$" "clang++\\1" mf_cxx "${CMAKE_C_COMPILER}")
    string(REGEX REPLACE "gcc([^/]*)$" "g++\\1" mf_cxx "${mf_cxx}")
    if(NOT mf_cxx STREQUAL CMAKE_C_COMPILER AND EXISTS "${mf_cxx}")
        set(CMAKE_CXX_COMPILER "${mf_cxx}")
    endif()
endif()
# For another machine only such a sibling will do: `c++` makes programs for this one.
if(CMAKE_CXX_COMPILER OR DEFINED ENV{CXX} OR NOT CMAKE_CROSSCOMPILING)
    include(CheckLanguage)
    check_language(CXX)
endif()
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
else()
    message(STATUS "There is no C++ compiler: the example and the tests in C++ are left out")
endif()
