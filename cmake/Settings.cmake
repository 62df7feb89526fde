# mf_setting(NAME DEFAULT HELP [VALUE...]): a variable of the cache that takes texts. What a host has set before, in
# the cache or not, is obeyed, at the first configuration too: there set(... CACHE) would remove a plain variable of
# that name, since policy CMP0126 came with CMake 3.21 only.
#
# Where values are listed, in lower case, it is one of them from here on, however it was written: ON, as options are, is
# on. Anything else is refused: it would be taken for some value or other.
macro(mf_setting name default help)
    if(NOT DEFINED ${name})
        set(${name} "${default}" CACHE STRING "${help}")
        set_property(CACHE ${name} PROPERTY STRINGS ${ARGN})
    endif()
    mf_one_of(${name} ${ARGN})
endmacro()

function(mf_one_of name)
    if(NOT ARGN)
        return()
    endif()
    string(TOLOWER "${${name}}" value)
    if(NOT value IN_LIST ARGN)
        list(JOIN ARGN ", " values)
        message(FATAL_ERROR "${name} is '${${name}}': choose one of ${values}")
    endif()
    set(${name} ${value} PARENT_SCOPE)
endfunction()
