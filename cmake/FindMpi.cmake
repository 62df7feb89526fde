# Sets mf_mpi where libmonoforward_mpi is to be built. Which MPI it is, CMake's own module decides: MPI_C_COMPILER=mpicc.mpich
# chooses another one.
set(mf_mpi OFF)
if(MF_MPI STREQUAL "on")
    find_package(MPI REQUIRED COMPONENTS C)
    set(mf_mpi ON)
elseif(MF_MPI STREQUAL "auto" AND PROJECT_IS_TOP_LEVEL)
    find_package(MPI QUIET COMPONENTS C)
    set(mf_mpi ${MPI_C_FOUND})
    if(NOT mf_mpi)
        message(STATUS "MPI was not found: libmonoforward_mpi is left out")
    endif()
endif()
