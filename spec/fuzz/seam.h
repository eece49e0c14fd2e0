/* A system layer for the fuzzers of channels, in place of src/native: one section of memory whose bounds
** the sanitizers know, a simulated clock, and seats that a hostile process acquires and releases. That
** process can make the section too. */
#ifndef FILEMAP_FUZZ_SEAM_H
#define FILEMAP_FUZZ_SEAM_H

#include "../../src/object/object.h"
#include "fuzz.h"

/* The codes that this layer can cause in each call: the hostile process truncated the section, memory is
** exhausted, or the section can only be opened for reading. */
enum { SEAM_CODES = CODE(FM_TRUNCATED) | CODE(FM_NO_MEMORY) | CODE(FM_DENIED) };

void seam_begin(void);

/* Checks that no object is left open. */
void seam_end(void);

/* The hostile process makes the section, if there is none, with this size. It writes a header of that kind
** with those sizes, of which one field may be damaged. The section may be only reserved, with a part of it
** committed. */
void seam_plant(fm_object_kind kind, const uint32_t sizes[4], size_t size);

/* The process forks, and continues as the child. */
void seam_fork(void);

/* A time-out between 0 and 1 second. */
double seam_timeout(void);

#endif
