/* Owns: the version of the library as text. */
#ifndef MFI_BASE_VERSION_H
#define MFI_BASE_VERSION_H

#include <monoforward.h>

#define MFI_TEXT_OF(number) #number
#define MFI_TEXT(number) MFI_TEXT_OF(number)
#define MFI_VERSION MFI_TEXT(MF_VERSION_MAJOR) "." MFI_TEXT(MF_VERSION_MINOR) "." MFI_TEXT(MF_VERSION_PATCH)

#endif
