# mf_setting(NAME DEFAULT HELP [VALUE...]): a variable of the cache that takes texts. What a host has set before, in
# the cache or not, is obeyed, at the first configuration too: there set(... CACHE) would remove a plain variable of
# that name, since policy CMP0126 came with CMake 3.21 only.
macro(mf_setting name default help)
    if(NOT DEFINED ${name})
        set(${name} "${default}" CACHE STRING "${help}")
        set_property(CACHE ${name} PROPERTY STRINGS ${ARGN})
    endif()
endmacro()
